"""The built site in headless Chromium, with the network cut off."""

import functools
import http.server
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 844}
OPTIONS = [  # the last three cut the network off: no name is known, and what has none goes to a proxy that is not there
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--proxy-server=127.0.0.1:9",
    "--proxy-bypass-list=127.0.0.1",
]

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
WIDTH = "() => document.documentElement.scrollWidth"
HEADINGS = "() => [...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')].map(h => Number(h.tagName[1]))"

browser_only = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium or Chrome on the PATH; on Debian and Ubuntu: apt-get install chromium",
)


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


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def pages(site):
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


@pytest.fixture(scope="module")
def address(site):
    handler = functools.partial(QuietHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


def open_page(context, url, allowed):
    """Open a page; return it and what went wrong while it loaded, requests outside `allowed` included."""
    page, faults = context.new_page(), []

    def watch(request):
        if not request.url.startswith((allowed, "data:", "blob:")):
            faults.append(f"asked another host: {request.url}")

    page.on("request", watch)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url} {request.failure}"))
    page.on("response", lambda response: response.status >= 400 and faults.append(f"{response.status}: {response.url}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
    page.goto(url)  # until its scripts have run, which on a busy machine may be after a first lull of the network
    page.wait_for_load_state("networkidle")
    return page, faults


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


@browser_only
@pytest.mark.browser
def test_every_page_opens_alone_and_well_on_a_phone(browser, site, pages, address):
    context, found = browser.new_context(viewport=PHONE), []
    for path in pages:
        page, faults = open_page(context, urljoin(address, path.relative_to(site).as_posix()), address)
        found += [f"{path.name}: {fault}" for fault in [*faults, *faults_of(page)]]
        page.close()
    context.close()
    assert not found, "\n".join(found)


@browser_only
@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "book/glossary.html", "book/results.html"])
def test_pages_open_from_disk(browser, site, name):
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    page, faults = open_page(context, (site / name).as_uri(), site.as_uri())
    faults += faults_of(page)
    context.close()
    assert not faults, "\n".join(faults)


@browser_only
@pytest.mark.browser
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
    root = Path(__file__).parent.parent
    config = (root / "_config.yml").read_text(encoding="utf8")
    url = next(line.split("url:")[1].strip() for line in config.splitlines() if line.strip().startswith("url:"))
    repository = url.removeprefix("https://github.com/")
    for chapter in sorted(site.glob("notebooks/*.html")):
        links = Page(chapter).links
        notebook = f"notebooks/{chapter.stem}.ipynb"
        assert f"https://colab.research.google.com/github/{repository}/blob/main/{notebook}" in links
        assert f"../_sources/{notebook}" in links
        assert (site / "_sources" / notebook).read_bytes() == (root / notebook).read_bytes()
