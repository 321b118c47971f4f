"""A chapter on a desk and on a phone: what can be measured of its look."""

import pytest
from browsing import PHONE

DESK = {"width": 1400, "height": 900}
CUT = """() => [...document.querySelectorAll("article pre")]
    .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
    .map(element => element.innerText.split("\\n").reduce((one, other) => other.length > one.length ? other : one))"""
TALL = """() => [...document.querySelectorAll("article .cell_output pre")]
    .filter(element => element.clientHeight > window.innerHeight)
    .map(element => element.innerText.slice(0, 80))"""
SCREEN_OF_THE_FIRST_TASK = """() => {
    const task = document.querySelector("article .tag_task, article .tag_exercise");
    return (task.getBoundingClientRect().top + window.scrollY) / window.innerHeight;
}"""
FIGURES = """() => [...document.querySelectorAll("article .cell_output img:not([src$='.svg'])")]
    .map(image => image.naturalWidth / image.getBoundingClientRect().width)"""

STRETCHED = """() => [...document.querySelectorAll("article .cell_output img")]
    .map(image => (image.width / image.height) / (image.naturalWidth / image.naturalHeight))
    .filter(share => share < 0.97 || share > 1.03)"""


@pytest.fixture
def chapters(site):
    return sorted((site / "notebooks").glob("[01]*.html"))


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def measured(page, chapters, size, script):
    """What a script finds on each chapter's page."""
    page.set_viewport_size(size)
    found = {}
    for chapter in chapters:
        page.goto(chapter.as_uri())
        page.evaluate("document.querySelectorAll('article details').forEach(details => details.open = true)")
        found[chapter.stem] = page.evaluate(script)
    return found


def test_no_line_is_cut_on_a_desk(page, chapters):
    assert {name: lines for name, lines in measured(page, chapters, DESK, CUT).items() if lines} == {}


def test_no_output_fills_a_screen(page, chapters):
    assert {name: texts for name, texts in measured(page, chapters, PHONE, TALL).items() if texts} == {}


@pytest.mark.parametrize(("size", "screens"), [(DESK, 3), (PHONE, 5)])
def test_there_is_something_to_do_on_the_first_screens(page, chapters, size, screens):
    found = measured(page, chapters, size, SCREEN_OF_THE_FIRST_TASK)
    assert {name: screen for name, screen in found.items() if screen > screens} == {}


def test_figures_are_sharp(page, chapters):
    found = measured(page, chapters, DESK, FIGURES)
    assert {name: shares for name, shares in found.items() if any(share < 1.5 for share in shares)} == {}


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_figures_keep_their_shape(page, chapters, size):
    assert {name: shares for name, shares in measured(page, chapters, size, STRETCHED).items() if shares} == {}
