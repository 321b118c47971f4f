"""Everyone can read the site: axe-core's rules of WCAG 2.2, levels A and AA, and what axe can't see."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsing import AXE, PHONE

SHARES = 8  # of the pages, for tests that run side by side
DESKTOP = {"width": 1280, "height": 800}
WIDE_PAGE = "notebooks/10_normalisation.html"  # has code, outputs and tables that are cut at the right

# What is folded is opened. Words of code are coloured by their class, so one word of each class is enough; the others
# become plain text, for axe would take most of its time for them.
PREPARE = """async () => {
    document.querySelectorAll("details").forEach(details => details.open = true);
    const seen = new Set();
    for (const word of document.querySelectorAll(".highlight span")) {
        const kind = `${word.className} in ${word.closest(".highlight").parentElement.className}`;
        seen.has(kind) ? word.replaceWith(word.textContent) : seen.add(kind);
    }
    await window.MathJax?.startup.promise;
}"""
SHOW = """async mode => {
    while (document.documentElement.dataset.mode && document.documentElement.dataset.theme != mode)
        await new Promise(requestAnimationFrame);
    document.getAnimations().forEach(animation => animation.finish());
}"""
# Drawings without a name, and words in them whose contrast with the page is below 4.5; axe is silent on both.
DRAWINGS = """() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const ground = element => {
        const colour = channels(getComputedStyle(element).backgroundColor);
        if (colour[3] !== 0) return colour;
        return element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    };
    const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminance = ([red, green, blue]) =>
        0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
    const contrast = text => {
        const both = [channels(getComputedStyle(text).fill), ground(text)].map(luminance);
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    };
    const drawings = [...document.querySelectorAll("main svg")].filter(
        svg => !svg.closest("mjx-container, button, [aria-hidden=true]") && svg.checkVisibility());
    const named = svg => svg.role === "img" && (svg.ariaLabel || svg.querySelector(":scope > title")?.textContent);
    return [
        ...drawings.filter(svg => !named(svg)).map(svg => `no name: ${svg.outerHTML.slice(0, 80)}`),
        ...drawings.flatMap(svg => [...svg.querySelectorAll("text")])
            .filter(text => contrast(text) < 4.5).map(text => `${contrast(text).toFixed(2)}: ${text.textContent}`),
    ];
}"""
CUT = """() => [...document.querySelectorAll("article :is(pre, .output, .pst-scrollable-table-container)")]
    .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth)"""


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def faults(page, path):
    """Look at a page on a phone, where colours are those of the desk; then on a desk in light and in dark.

    A deck shows all of its slides below each other.
    """
    for name, size, mode in (("phone", PHONE, "light"), ("light", DESKTOP, "light"), ("dark", DESKTOP, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=mode)
        if name != "dark":  # a loaded page follows the computer's mode
            page.goto(f"{path.as_uri()}?view=scroll")
            page.evaluate(PREPARE)
            page.evaluate(AXE_SCRIPT)
        page.evaluate(SHOW, mode)
        rules = {"color-contrast": {"enabled": name != "phone"}}
        for fault in [*page.evaluate(AXE, rules), *page.evaluate(DRAWINGS)]:
            yield f"{path.name}, {name}: {fault}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SHARES))
def test_axe_finds_nothing(page, site, part):
    paths = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)[part::SHARES]
    found = [fault for path in paths for fault in faults(page, path)]
    assert not found, "\n".join(found)


def test_what_is_cut_at_the_right_is_reached_and_scrolled_by_keyboard(page, site):
    page.set_viewport_size(PHONE)
    page.goto((site / WIDE_PAGE).as_uri())
    cut = page.evaluate_handle(CUT)
    assert cut.evaluate("cut => cut.length") > 10
    for _ in range(page.evaluate("document.querySelectorAll('a, button, input, summary, [tabindex]').length")):
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        if cut.evaluate("cut => cut.at(-1) === document.activeElement"):
            break
    page.wait_for_timeout(500)  # a key scrolls smoothly
    assert (
        cut.evaluate("cut => cut.filter(element => element.scrollLeft === 0).map(element => element.innerText)") == []
    )
