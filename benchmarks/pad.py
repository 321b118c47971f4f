"""How soon the drawing pad answers: the page of the drawing pad in headless Chromium, drawn on with the mouse.

For each network of the page the sample digits are drawn, point by point. Each point is an update of the whole pad: the
strokes become an image, the network runs, and the probabilities and all maps are drawn. Two times are taken from the
mouse's event: until the page's script has drawn everything (`milliseconds`), and until Chromium has painted the frame
and is free again (`painted`).

Build the book first (`make book`), and let nothing else run. It writes `results/benchmarks/pad.json`.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

from cnncourse import settings
from cnncourse.experiments.runs import environment

sys.path.append(str(settings.CHECKOUT / "tools"))
from chromium import CHROMIUM, OPTIONS

PAGE = Path(__file__).parent.parent / "_build" / "html" / "book" / "draw.html"
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


def measure(page: Page, network: str) -> dict[str, float | str | int]:
    """Draw every sample for one network, after one digit that lets the browser compile what it runs often."""
    page.get_by_role("combobox", name="Network").select_option(network)
    page.get_by_text("images of").wait_for()
    samples = page.evaluate("cnncourse.SAMPLES")
    clear = page.get_by_role("button", name="Clear", exact=True)
    for number, sample in enumerate([samples[0], *samples]):
        clear.click()
        page.evaluate("() => new Promise(done => setTimeout(done, 100))")
        if number <= 1:
            page.evaluate("() => { times.length = 0 }")
        draw(page, sample["strokes"])
    page.evaluate("() => new Promise(done => setTimeout(done, 100))")
    times = page.evaluate("times")
    row = {"network": network, "updates": len(times)}
    for name, values in zip(("milliseconds", "painted"), zip(*times, strict=True), strict=True):
        row |= {name: {"median": median(values), "percentile_90": quantiles(values, n=10)[-1]}}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=PAGE, help="draw.html of a built book")
    page_file = parser.parse_args().page
    if not page_file.is_file():
        parser.error(f"{page_file} is not there. Build the book first: make book")
    if CHROMIUM is None:
        parser.error("no Chromium or Chrome on the PATH; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        result = {"environment": {**environment(), "browser": f"Chromium {browser.version}"}}
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.resolve().as_uri())
        page.get_by_text("images of").wait_for()
        page.evaluate(LISTEN)
        networks = page.locator(".drawing-pad select option").evaluate_all("options => options.map(({value}) => value)")
        result["rows"] = []
        for network in networks:
            page.get_by_role("combobox", name="Network").select_option(network)
            page.get_by_text("images of").wait_for()
            if not page.get_by_role("application", name="Draw a digit").is_visible():
                continue  # it reads photographs
            result["rows"].append(row := measure(page, network))
            print(
                f"{network}: median {row['milliseconds']['median']:.1f} ms, "
                f"90th percentile {row['milliseconds']['percentile_90']:.1f} ms, "
                f"painted {row['painted']['median']:.1f} ms, over {row['updates']} updates",
                flush=True,
            )
        browser.close()
    path = settings.files("benchmarks") / "pad.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
