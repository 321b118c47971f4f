"""Print the seminar report of the built book as a PDF beside its page, and link it there.

Needs Chromium or Chrome. Usage: python tools/print_report.py [FOLDER OF THE SITE]
"""

import sys
from pathlib import Path

from chromium import CHROMIUM, OPTIONS
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parent.parent / "_build" / "html"
LINK = '<p class="report-pdf"><a href="report.pdf">This report as a PDF</a></p>'
# Black on white; and a link to another page of the book would lead into a folder of this computer.
FOR_PAPER = """() => {
    document.documentElement.dataset.theme = "light";
    for (const link of document.querySelectorAll("a[href]"))
        if (!/^(https?:|#)/.test(link.getAttribute("href"))) link.removeAttribute("href");
}"""


def print_report(site: Path = SITE) -> Path:
    """Write `book/report.pdf` of a site, make its page link it, and return its path."""
    page = site / "book" / "report.html"
    if CHROMIUM is None:
        sys.exit("Printing needs Chromium or Chrome; on Debian and Ubuntu: apt-get install chromium")
    if not page.is_file():
        sys.exit(f"{page} is missing. Build the book first: make book")
    pdf = page.with_suffix(".pdf")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        tab = browser.new_context(color_scheme="light").new_page()
        tab.goto(page.as_uri())
        tab.evaluate(FOR_PAPER)
        tab.pdf(path=pdf, format="A4", print_background=True, tagged=True, outline=True)
        browser.close()
    html = page.read_text(encoding="utf8")
    if LINK not in html:
        page.write_text(html.replace("</h1>", f"</h1>\n{LINK}", 1), encoding="utf8")
    return pdf


if __name__ == "__main__":
    print(f"Open {print_report(*map(Path, sys.argv[1:2]))}")
