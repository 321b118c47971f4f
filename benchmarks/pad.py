"""How soon the drawing pad answers: the page of the drawing pad in headless Chromium, drawn on with the mouse.

For each network of the page the sample digits are drawn, point by point. Each point is an update of the whole pad: the
strokes become an image, the network runs, and the probabilities and all maps are drawn. Two times are taken from the
mouse's event: until the page's script has drawn everything (`milliseconds`), and until Chromium has painted the frame
and is free again (`painted`).

Build the book first (`make book`), and let nothing else run. It writes `results/benchmarks/pad.json`.
"""

import sys
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

from benchmarks.timing import write
from cnncourse import settings
from tools.chromium import CHROMIUM, OPTIONS

PAGE = settings.CHECKOUT / "_build" / "html" / "book" / "draw.html"
LARGEST = 25  # points of a stroke that are drawn; more would only take longer
LISTEN = """() => {
    const afterPaint = new MessageChannel();
    const times = [];
    const element = document.querySelector(".drawing-pad");
    element.addEventListener("cnncourse-update", ({detail}) => {
        if (detail.image === null) return;
        const began = performance.now() - detail.milliseconds;
        afterPaint.port1.onmessage = () => times.push([detail.milliseconds, performance.now() - began]);
        afterPaint.port2.postMessage(null);  // comes when the frame has been painted
    });
    window.times = times;
}"""


def draw(page: Page, strokes: list[dict]) -> None:
    board = page.get_by_role("application", name="Draw a digit")
    box = board.bounding_box()
    for stroke in strokes:
        step = max(1, len(stroke["points"]) // LARGEST)
        first, *others = [
            (box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in stroke["points"][::step]
        ]
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        page.mouse.up()


def measure(page: Page) -> dict[str, float]:
    """Draw every sample, after one digit that lets the browser compile what it runs often."""
    samples = page.evaluate("cnncourse.SAMPLES")
    clear = page.get_by_role("button", name="Clear", exact=True)
    for number, sample in enumerate([samples[0], *samples]):
        clear.click()
        page.wait_for_timeout(100)
        if number <= 1:
            page.evaluate("() => { times.length = 0 }")
        draw(page, sample["strokes"])
    page.wait_for_timeout(100)
    milliseconds, painted = zip(*page.evaluate("times"), strict=True)
    return {
        "median": median(milliseconds),
        "percentile_90": quantiles(milliseconds, n=10)[-1],
        "painted": median(painted),
        "updates": len(painted),
    }


def main() -> None:
    if not PAGE.is_file():
        sys.exit(f"{PAGE} is not there. Build the book first: make book")
    if CHROMIUM is None:
        sys.exit("There is no Chromium or Chrome on the PATH; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(PAGE.as_uri())
        page.locator(".drawing-pad").get_by_text("images of").wait_for()
        page.evaluate(LISTEN)
        networks = page.locator(".drawing-pad select option").evaluate_all("options => options.map(({value}) => value)")
        rows = {}
        for network in networks:
            page.get_by_role("combobox", name="Network").select_option(network)
            page.locator(".drawing-pad").get_by_text("images of").wait_for()
            if page.get_by_role("application", name="Draw a digit").is_visible():  # else it reads photographs
                rows[network] = measure(page)
        write("pad", {"browser": f"Chromium {browser.version}", "networks": rows})
        browser.close()


if __name__ == "__main__":
    main()
