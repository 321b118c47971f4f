"""The built site in headless Chromium, with the network cut off."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from browsing import PHONE, WIDTH, open_page

# The formulas that the page has, those that MathJax typeset, and its error messages.
COUNT_FORMULAS = """async () => {
    const count = selector => document.querySelectorAll(selector).length;
    if (count(".math") > 0) await MathJax.startup.promise;
    return [count(".math"), count(".math mjx-container"), count("mjx-merror, [data-mjx-error]")];
}"""
# Images whose alternative text is missing, or is no more than the file's name.
IMAGES_WITHOUT_TEXT = """() => [...document.images]
    .filter(image => image.alt.endsWith(".png") || (image.closest("article") ? !image.alt : !image.hasAttribute("alt")))
    .map(image => image.getAttribute("src"))"""
HEADINGS = "() => [...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')].map(h => Number(h.tagName[1]))"


class Page(HTMLParser):
    """The links of an HTML file and the places that a link can lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), {"", "top"}
        self.feed(path.read_text(encoding="utf8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        self.links |= {attributes[name] for name in ("href", "src") if attributes.get(name)}


@pytest.fixture(scope="module")
def pages(site):
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def faults_of(page):
    """What is wrong with an open page on a phone."""
    formulas, typeset, errors = page.evaluate(COUNT_FORMULAS)
    if typeset != formulas or errors:
        yield f"MathJax typeset {typeset} of {formulas} formulas, with {errors} errors"
    if without := page.evaluate(IMAGES_WITHOUT_TEXT):
        yield f"images without alternative text: {without}"
    if (width := page.evaluate(WIDTH)) > PHONE["width"]:
        yield f"the page is {width} pixels wide on a phone of {PHONE['width']}"
    levels = page.evaluate(HEADINGS)
    if any(deeper > level + 1 for level, deeper in zip([0, *levels], levels, strict=False)):
        yield f"a heading skips a level: {levels}"
    if page.evaluate("document.documentElement.lang") != "en":
        yield "the page does not say its language"


def test_every_page_opens_alone_and_well_on_a_phone(browser, site, pages, address):
    context, found = browser.new_context(viewport=PHONE), []
    for path in pages:
        page, faults = open_page(context, urljoin(address, path.relative_to(site).as_posix()), address)
        found += [f"{path.name}: {fault}" for fault in [*faults, *faults_of(page)]]
        page.close()
    context.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["index.html", "book/glossary.html", "book/results.html"])
def test_pages_open_from_disk(browser, site, name):
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page, faults = open_page(context, (site / name).as_uri(), site.as_uri())
    faults += faults_of(page)
    context.close()
    assert not faults, "\n".join(faults)


def test_search_finds_a_chapter(browser, address):
    context = browser.new_context()
    page, faults = open_page(context, f"{address}search.html?q=LeNet", address)
    page.wait_for_selector("#search-results li a")
    assert any("lenet5" in link.get_attribute("href") for link in page.query_selector_all("#search-results li a"))
    context.close()
    assert not faults, "\n".join(faults)


def test_every_internal_link_leads_somewhere(site, pages):
    parsed = {path: Page(path) for path in pages}
    broken = []
    for path, page in parsed.items():
        for link in page.links:
            if ":" in link.split("/")[0] or link.startswith("//"):
                continue
            file, fragment = urldefrag(link)
            target = (path.parent / unquote(file.split("?")[0])).resolve() if file else path
            if not target.is_file():
                broken.append(f"{path.name} → {link}: no such file")
            elif target in parsed and unquote(fragment) not in parsed[target].anchors:
                broken.append(f"{path.name} → {link}: no such place")
    assert not broken, "\n".join(broken)


def test_chapters_can_be_launched_and_downloaded(site):
    root = Path(__file__).parents[2]
    config = (root / "_config.yml").read_text(encoding="utf8")
    url = next(line.split("url:")[1].strip() for line in config.splitlines() if line.strip().startswith("url:"))
    repository = url.removeprefix("https://github.com/")
    for chapter in sorted(site.glob("notebooks/*.html")):
        links = Page(chapter).links
        notebook = f"notebooks/{chapter.stem}.ipynb"
        assert f"https://colab.research.google.com/github/{repository}/blob/main/{notebook}" in links
        assert f"../_sources/{notebook}" in links
        assert (site / "_sources" / notebook).read_bytes() == (root / notebook).read_bytes()
