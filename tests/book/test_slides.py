"""The decks of slides and the seminar report: filled from results, and readable without a network."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import print_report
import pypdf
import pytest
from chromium import CHROMIUM

ROOT = Path(__file__).parents[2]
DECKS = sorted((ROOT / "book" / "slides").glob("*.md"))
# What the report quotes from others, once each: the figures of the public seminar. The rest are intervals' 95 %.
QUOTED = {"98.96", "95.18", "92.41", "75.10"}
TOO_LARGE = """() => {
    const scale = Reveal.getScale(), slide = document.querySelector("section.present").getBoundingClientRect();
    return [...document.querySelectorAll("section.present :not(aside, aside *)")].filter(element => {
        const box = element.getBoundingClientRect();
        return box.width && (box.bottom > slide.top + 700 * scale || box.right > slide.left + 1260 * scale);
    }).map(element => element.outerHTML.slice(0, 80));
}"""


class Deck(HTMLParser):
    """The slides of a deck, and all that it takes from elsewhere."""

    def __init__(self, path):
        super().__init__()
        self.headings, self.notes, self.addresses, self.without_text = [], 0, [], []
        html = path.read_text(encoding="utf8")
        self.styles = "".join(re.findall("<style>(.*?)</style>", html, re.DOTALL))
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag == "aside" and attributes.get("class") == "notes":
            self.notes += 1
        if tag == "img" and not attributes.get("alt"):
            self.without_text.append(attributes)
        if tag == "svg" and not attributes.get("aria-label"):
            self.without_text.append(attributes)
        self.addresses += [attributes[name] for name in ("src", "href", "srcset", "data") if name in attributes]


@pytest.fixture(params=DECKS, ids=lambda path: path.stem)
def deck(request, site):
    return site / "book" / "slides" / f"{request.param.stem}.html"


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory):
    """A copy of the site with the report in print."""
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome on the PATH; on Debian and Ubuntu: apt-get install chromium")
    copy = tmp_path_factory.mktemp("printed") / "html"
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("_sources", "notebooks", "_images"))
    command = [sys.executable, ROOT / "tools" / "print_report.py", copy]  # a process: it starts a browser of its own
    subprocess.run(command, check=True, timeout=300)
    return copy / "book" / "report.pdf"


@pytest.mark.parametrize("path", [*DECKS, ROOT / "book" / "report.md"], ids=lambda path: path.stem)
def test_no_score_is_typed(path):
    typed = re.findall(r"\b\d{1,2}[.,]\d{2,}\b(?= ?%| points| per cent|`? ?\|)|\d[.,]?\d* ?±", path.read_text("utf8"))
    assert set(typed) <= QUOTED
    assert len(typed) == len(set(typed)), "a figure is typed twice"


def test_every_part_has_a_deck():
    assert {path.stem for path in DECKS} == {"workshop", "budget", "seminar", "inside"}


def test_a_deck_is_one_file_that_needs_nothing_else(deck):
    parsed = Deck(deck)
    assert [address[:60] for address in parsed.addresses if not address.startswith(("#", "data:"))] == []
    assert re.findall(r"url\((?!data:)[^)]*\)|@import", parsed.styles) == []
    assert deck.stat().st_size < 1_000_000


def test_a_deck_has_headings_notes_and_alternative_texts(deck):
    parsed = Deck(deck)
    assert parsed.headings == ["h1"] + ["h2"] * (len(parsed.headings) - 1)
    assert 10 <= len(parsed.headings) <= 15
    assert parsed.notes == len(parsed.headings)
    assert parsed.without_text == []


def test_a_deck_opens_from_disk_and_every_slide_fits(deck, browser, tmp_path):
    alone = shutil.copy(deck, tmp_path)
    faults = []
    with browser.new_context(viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
        page.on("request", lambda request: request.url.startswith("data:") or faults.append(request.url))
        page.goto(Path(alone).as_uri())
        page.wait_for_function("() => window.Reveal?.isReady?.()")
        assert faults == [Path(alone).as_uri()]
        slides = page.evaluate("Reveal.getTotalSlides()")
        for number in range(slides):
            assert page.evaluate("Reveal.getIndices().h") == number
            assert page.evaluate(TOO_LARGE) == [], f"slide {number + 1} is too full"
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Home")
        with page.expect_popup() as notes:
            page.keyboard.press("s")
        notes.value.wait_for_selector(".speaker-controls-notes:not(.hidden)")
        said = notes.value.inner_text(".speaker-controls-notes .value")
        assert said.split()[0] in deck_source(deck)


def deck_source(deck):
    return (ROOT / "book" / "slides" / f"{deck.stem}.md").read_text(encoding="utf8")


@pytest.mark.browser
def test_the_report_in_print_has_text_figures_and_references(printed):
    pages = pypdf.PdfReader(printed).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in ("The questions", "Figure 7.", "95 % interval", "Limits", "Group normalization", "224,838"):
        assert words in text
    for navigation in ("Previous", "Contents", "previous", "Skip to main content", "This report as a PDF"):
        assert navigation not in text
    assert [page.extract_text().split()[0] for page in pages] == [str(number + 1) for number in range(len(pages))]
    assert 4 <= len(pages) <= 9


@pytest.mark.browser
def test_the_report_in_print_tells_no_folder_of_this_computer(printed):
    links = [
        annotation.get_object().get("/A", {}).get("/URI", "")
        for page in pypdf.PdfReader(printed).pages
        for annotation in page.get("/Annots", [])
    ]
    assert any(link.startswith("https://") for link in links)
    assert [link for link in links if link.startswith("file:")] == []
    assert b"file:///" not in printed.read_bytes()


@pytest.mark.browser
def test_the_page_of_the_report_links_the_print_once(printed):
    subprocess.run([sys.executable, ROOT / "tools" / "print_report.py", printed.parents[1]], check=True, timeout=300)
    page = printed.with_suffix(".html").read_text(encoding="utf8")
    assert page.count('href="report.pdf"') == 1


def test_a_book_that_is_not_built_is_not_printed(tmp_path, monkeypatch):
    monkeypatch.setattr(print_report, "CHROMIUM", "chromium")
    with pytest.raises(SystemExit, match="make book"):
        print_report.print_report(tmp_path)


def test_printing_without_a_browser_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(print_report, "CHROMIUM", None)
    with pytest.raises(SystemExit, match="Chromium"):
        print_report.print_report(tmp_path)
