"""A plot of a few rows of dots as an SVG that takes its colours from the page's style sheet."""

from html import escape
from statistics import mean

from line_plot import ticks

LETTER, WIDTH, ROW_HEIGHT = 9, 640, 44  # LETTER: the width of one, at most
LEAST = 0.1  # per cent that the axis covers, also where all values are the same


def dot_plot(rows: dict[str, list[float]]) -> str:
    """One row of dots for each name, with a bar at their mean, on a common axis of test accuracies in per cent."""
    low = min(min(values) for values in rows.values())
    high = max(max(values) for values in rows.values())
    margin = max(0.08 * (high - low), LEAST / 2)
    room = max(low - margin, 0), min(high + margin, 100)  # where there are accuracies

    left = LETTER * max(map(len, rows)) + 20

    def x(value):
        return left + (value - low + margin) / (high - low + 2 * margin) * (WIDTH - left - 20)

    bottom = ROW_HEIGHT * len(rows) + 10
    parts = []
    for tick in [tick for tick in ticks(*room) if tick >= room[0]]:
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="6" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 20}">{tick:g}</text>')
    for index, (name, values) in enumerate(rows.items()):
        y, centre = ROW_HEIGHT * (index + 0.5) + 5, x(mean(values))
        parts.append(f'<text class="row" x="{left - 14}" y="{y + 5}">{escape(name)}</text>')
        parts += [f'<circle cx="{x(value):.1f}" cy="{y}" r="6"/>' for value in values]
        parts.append(f'<line class="mean" x1="{centre:.1f}" x2="{centre:.1f}" y1="{y - 15}" y2="{y + 15}"/>')

    in_words = "Test accuracy of each run, in per cent. " + " ".join(
        f"{name}: mean {mean(values):.2f}, from {min(values):.2f} to {max(values):.2f}."
        for name, values in rows.items()
    )
    drawing = f'<svg role="img" aria-label="{escape(in_words)}" viewBox="0 0 {WIDTH} {bottom + 30}">'
    return f'<div class="results-plot">{drawing}{"".join(parts)}</svg></div>'
