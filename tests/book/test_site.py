"""The built site in headless Chromium, with the network cut off."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from browsing import PHONE, WIDTH, open_page

from cnncourse import __version__

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


@pytest.mark.parametrize("from_disk", [False, True])
def test_search_finds_chapters_in_their_order_with_excerpts(browser, site, address, from_disk):
    place = site.as_uri() if from_disk else address.rstrip("/")
    context = browser.new_context()
    page, faults = open_page(context, f"{place}/search.html?q=momentum", place)
    page.wait_for_selector("#search-results .search-summary:not(:empty)")
    hits = page.query_selector_all("#search-results li")
    excerpts = [hit.query_selector("p.context").inner_text() for hit in hits]
    addresses = [hit.query_selector("a").get_attribute("href") for hit in hits]
    context.close()
    assert not faults, "\n".join(faults)
    chapters = [address for address in addresses if re.fullmatch(r"notebooks/\d\d_\w+\.html", address)]
    assert len(chapters) >= 4
    assert chapters == sorted(chapters)
    assert sum("momentum" in excerpt.lower() for excerpt in excerpts) >= len(excerpts) / 2
    assert max(map(len, excerpts)) < 250


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
        assert f"https://colab.research.google.com/github/{repository}/blob/v{__version__}/{notebook}" in links
        assert f"../_sources/{notebook}" in links
        assert (site / "_sources" / notebook).read_bytes() == (root / notebook).read_bytes()


def test_only_pages_with_formulas_load_mathjax(pages):
    for path in pages:
        html = path.read_text(encoding="utf8")
        assert ("MathJax" in html or "mathjax/" in html) == ('class="math' in html), path.name


def test_pages_are_light(site, pages):
    """Without pictures and MathJax, uncompressed."""
    heavy = {}
    for path in pages:
        files = {(path.parent / urldefrag(link.split("?")[0])[0]).resolve() for link in Page(path).links}
        size = path.stat().st_size + sum(
            file.stat().st_size for file in files if file.suffix in (".js", ".css") and "mathjax" not in file.parts
        )
        if size > 2_000_000:
            heavy[path.name] = size
    assert heavy == {}


def test_every_icon_is_drawn(browser, site):
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        for name in ("index.html", "notebooks/08_schedules.html", "search.html"):
            page.goto((site / name).as_uri())
            page.wait_for_function("document.querySelectorAll('svg.svg-inline--fa').length > 3")
            assert page.evaluate("document.querySelectorAll('i[class*=fa-]').length") == 0
            empty = page.evaluate("document.querySelectorAll('svg.svg-inline--fa:not(:has(path[d]))').length")
            missing = page.evaluate("document.querySelectorAll('svg[data-icon=question], .fa-missing').length")
            assert (empty, missing) == (0, 0), name


def test_the_list_of_sections_closes_on_a_phone(browser, site):
    with browser.new_context(viewport=PHONE, has_touch=True) as context:
        page = context.new_page()
        page.goto((site / "notebooks" / "08_schedules.html").as_uri())
        page.locator("button.secondary-toggle").first.click()
        drawer = page.locator("#pst-secondary-sidebar-modal")
        drawer.get_by_role("link", name="Quiz").click()
        assert not drawer.is_visible()
        assert page.url.endswith("#quiz")


def test_a_figure_of_a_chapter_opens_alone(browser, site):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((site / "notebooks" / "08_schedules.html").as_uri())
        links = page.locator(".cell_output a:has(> img)")
        assert links.count() == page.locator(".cell_output img").count() > 3
        assert links.first.get_attribute("href") == page.locator(".cell_output img").first.evaluate(
            "image => image.src"
        )


def test_a_solution_has_no_title_for_colab(site):
    for path in sorted((site / "notebooks").glob("*.html")):
        html = path.read_text(encoding="utf8")
        assert "Solution" in html
        assert "# @title" not in html
