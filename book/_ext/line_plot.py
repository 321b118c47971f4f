"""A plot of lines with bands as an SVG that takes its colours from the page's style sheet."""

from html import escape
from math import ceil, floor, isfinite, log10
from statistics import mean

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, LEGEND_ROW = 560, 360, 62, 14, 50, 24
POINT = 6  # the length of a line through one place


def line_plot(
    series: dict[str, dict[float, list[float]]], x_label: str, y_label: str, y_range: tuple[float, ...] = ()
) -> str:
    """A line for each name through the means over the seeds, in a band from the smallest to the largest value.

    Args:
        series: by name, the values of the seeds by their place on the x axis. Values that are not finite, of a run
            that failed, are left out.
        y_range: values that the y axis shall have room for, beside those of the series.

    Raises:
        ValueError: there is no value.
    """
    series = {name: finite(points) for name, points in series.items()}
    places = [x for points in series.values() for x in points]
    values = [*y_range, *(value for points in series.values() for seeds in points.values() for value in seeds)]
    if not all(series.values()):
        raise ValueError("there is nothing to draw: no run, no epoch or no finite value")
    left, right = min(places), max(places)
    span = right - left or 1  # one place alone stands at the left
    y_ticks = ticks(min(values), max(values))
    low, high = y_ticks[0], max(*values, y_ticks[0] + 1e-9)
    top = LEGEND_ROW * ceil(len(series) / 2) + 14

    def point(x, y):
        across = LEFT + (x - left) / span * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - top)

    parts = []
    for tick in y_ticks:
        _, y = point(left, tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="row" x="{LEFT - 8}" y="{y + 5:.1f}">{tick:.4g}</text>')
    for tick in [tick for tick in ticks(left, right) if tick >= left]:
        x, _ = point(tick, low)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}">{tick:.4g}</text>')
    parts.append(f'<text class="tick" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}">{escape(x_label)}</text>')
    middle = (top + HEIGHT - BOTTOM) / 2
    parts.append(f'<text class="tick" transform="translate(15 {middle}) rotate(-90)">{escape(y_label)}</text>')
    for number, (name, points) in enumerate(series.items()):
        lower = [point(x, min(seeds)) for x, seeds in points.items()]
        upper = [point(x, max(seeds)) for x, seeds in points.items()]
        centre = [point(x, mean(seeds)) for x, seeds in points.items()]
        x, y = LEFT + number % 2 * (WIDTH - LEFT) / 2, LEGEND_ROW * (number // 2) + 14
        parts.append(
            f'<g class="line line-{number}"><path class="band" d="{path([*lower, *reversed(upper)])}Z"/>'
            f'<path d="{path(centre)}"/><path d="M{x} {y}h30"/></g>'
            f'<text x="{x + 38}" y="{y + 5}">{escape(name)}</text>'
        )
    title = f"{y_label}, by {x_label}. " + " ".join(in_words(name, points) for name, points in series.items())
    drawing = f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
    return f'<div class="results-plot">{drawing}{"".join(parts)}</svg></div>'


def ticks(low: float, high: float) -> list[float]:
    """At most ten round numbers in equal steps, the first at or below `low`, the last at or below `high`."""
    size = 10 ** floor(log10((high - low) / 8 or 1))
    step = next(factor * size for factor in (1, 2, 5, 10) if (high - low) / (factor * size) <= 8)
    return [round(step * n, 10) for n in range(floor(low / step), floor(high / step) + 1)]


def path(points: list[tuple[float, float]]) -> str:
    """Draw a line; a point alone becomes a short one."""
    if len(points) == 1:
        points = [points[0], (points[0][0] + POINT, points[0][1])]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def finite(points: dict[float, list[float]]) -> dict[float, list[float]]:
    numbers = {x: [value for value in seeds if isfinite(value)] for x, seeds in points.items()}
    return {x: seeds for x, seeds in numbers.items() if seeds}


def in_words(name: str, points: dict[float, list[float]]) -> str:
    """The means at the first place, the middle one and the last."""
    places = sorted(points)
    chosen = sorted({places[0], places[len(places) // 2], places[-1]})
    return f"{name}: " + ", ".join(f"{mean(points[x]):.4g} at {x:.4g}" for x in chosen) + "."
