"""Diagrams of networks as SVG, made from the networks themselves.

Data flows down. A box is what a layer gives: on top it is as wide and as deep as a map, and the more maps there are,
the more sheets it has. Layers that keep the shape, such as norms and activations, are bars below it. A diagram has a
light ground of its own; a page that it becomes a part of can give it other colours by its classes: see cnncourse.css.
"""

from dataclasses import dataclass
from html import escape
from math import cbrt, sqrt
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from torch import nn

from cnncourse._model import bare, image_shape
from cnncourse._text import count, printable
from cnncourse.analysis._diagram_parts import Part, list_parts
from cnncourse.analysis._watch import watch
from cnncourse.analysis.structure import summary_of

# In pixels: the width of a diagram, the middle of its boxes, where texts begin; the heights of a text and of an arrow.
WIDTH, MIDDLE, LEFT, LINE, GAP = 350, 62, 114, 15, 16
# Colours of the kinds of layers, which stand out from black and from white.
COLOURS = {
    "conv": "#0e8a9e",
    "depthwise": "#3f9142",
    "pooling": "#c2700e",
    "linear": "#8a63e0",
    "activation": "#d9486e",
}
COLOURS |= dict.fromkeys(["batchnorm", "instancenorm", "normalization"], "#4a7fd6")
GREY = "#7f8895"


@dataclass(frozen=True, repr=False)
class Diagram:
    """A diagram of a network. A notebook shows it; printed, it says in words what it shows.

    Attributes:
        svg: the diagram, 350 pixels wide.
        text: the same in words.
    """

    svg: str
    text: str

    def save(self, path: Path | str) -> None:
        """Write the diagram to a file, NAME.svg."""
        Path(path).write_text(self.svg, encoding="utf8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return printable(self.text)


def diagram(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> Diagram:
    """Draw a network: its layers in the order in which they run, with kernels, output shapes and parameters.

    Layers that change nothing, as dropout with probability 0, are left out. So are steps that are no layers: where one
    lies between two layers, or a skip connection, their arrow is dashed. Only a module whose class is named Residual
    gets a line from what comes into it to the end of its layers, where the two are added.

    Args:
        model: on any device.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: images of this shape do not fit the model, or a layer gives something else than one tensor.
    """
    shape = image_shape(model, input_shape)
    watched = watch(model, shape)
    table = summary_of(model, watched, shape)
    parts = list_parts(model, shape, watched.calls, table.rows)
    name = type(bare(model)).__name__
    at_least = "at least " if table.outside else ""
    cost = f"{count(table.parameters, 'parameter')}, {at_least}{count(table.multiply_adds, 'multiply-add')}"
    text = ". ".join([f"{name}: {cost}", *(f"{part.words}: {part.numbers}".rstrip(": ") for part in parts)]) + "."
    shapes, height = _shapes(parts)
    svg = f"""\
<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">
<title>{escape(name)}, drawn</title>
<desc>{escape(text)}</desc>
<rect class="ground" width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>
<g font-family="system-ui, sans-serif">
{_text(12, 24, name, "words")}
{_text(12, 24 + LINE, cost)}
{shapes}
</g>
</svg>
"""
    return Diagram(svg, text)


class Box(NamedTuple):
    """Where a box is. Its top face is slanted: as far to the right as to the back."""

    x: int
    y: int
    width: int
    depth: int
    thickness: int


def _shapes(parts: list[Part]) -> tuple[str, int]:
    """The SVG of the boxes and bars with their texts, and how far down they reach."""
    scale = min(11, 66 / sqrt(max(max(part.shape[1:], default=1) for part in parts)))
    y, tops, svg = 54, list[int](), list[str]()
    box: Box | None = None
    for place, part in enumerate(parts):
        tops.append(y)
        if part.is_bar and box is not None:
            svg.append(f'<rect x="{box.x}" y="{y + 4}" width="{box.width}" height="9" rx="2" {_paint(part, 0.8)}/>')
            for line in wrap(f"{part.words}, {part.numbers}".removesuffix(", "), 35):
                svg.append(_text(LEFT, y + 12, line))
                y += LINE
            continue
        if box is not None:
            svg += [_kernel(part, box, parts[place - 1].shape), _arrow(y, part.goes_on)]
            y += GAP
        if part.begin is not None:
            svg.append(_way_around(tops[part.begin] + 4, y + GAP // 2))
            y += GAP
        lines = wrap(part.words, 26)
        texts = LINE * (len(lines) + 1)
        width, depth, thickness = _size(part.shape, scale)
        height = max(texts, depth + thickness)
        box = Box(MIDDLE - (width + depth) // 2, y + height - depth - thickness, width, depth, thickness)
        svg.append(_box(part, box))
        baseline = y + (height - texts) // 2 + 12
        svg += [_text(LEFT, baseline + LINE * number, line, "words") for number, line in enumerate(lines)]
        svg.append(_text(LEFT, baseline + LINE * len(lines), part.numbers))
        y += height
    return "\n".join(filter(None, svg)), y + 14


def _size(shape: tuple[int, ...], scale: float) -> tuple[int, int, int]:
    """Width, depth and thickness of a box; by roots, so that both small and large can be seen."""
    if len(shape) == 1:
        return min(84, round(5 * cbrt(shape[0]))), 0, 12
    channels, height, width = (*shape, 1)[:3]
    return round(scale * sqrt(width)), round(0.3 * scale * sqrt(height)), 3 * round(sqrt(channels))


def _box(part: Part, box: Box) -> str:
    x, y, width, depth, thickness = box
    around = f"M{x} {y + depth}l{depth} {-depth}h{width}v{thickness}l{-depth} {depth}h{-width}z"
    edges = "".join(f"M{x} {y + depth + sheet}h{width}l{depth} {-depth}" for sheet in range(0, depth and thickness, 3))
    return f'<path d="{around}" {_paint(part, 0.2)}/>\n<path d="{edges}" {_paint(part, 0)}/>'


def _kernel(part: Part, box: Box, shape: tuple[int, ...]) -> str:
    """The part of a map that the next layer's kernel covers at a time, in the middle of the box's top face."""
    if not part.kernel or len(shape) != 3:
        return ""
    depth, width = box.depth * part.kernel[0] / shape[1], box.width * part.kernel[1] / shape[2]
    x, y = box.x + (box.width + box.depth - width - depth) / 2, box.y + (box.depth + depth) / 2
    around = f"M{x:.1f} {y:.1f}l{depth:.1f} {-depth:.1f}h{width:.1f}l{-depth:.1f} {depth:.1f}z"
    return f'<path d="{around}" {_paint(part, 0.8)}/>'


def _arrow(y: int, goes_on: bool) -> str:
    dashes = "" if goes_on else 'stroke-dasharray="3 2" '
    shaft = f'<path class="flow" d="M{MIDDLE} {y + 3}v{GAP - 6}" {dashes}fill="none" stroke="#4d5866"/>'
    return f'{shaft}\n<path class="flow" d="M{MIDDLE - 3} {y + GAP - 7}l3 4l3 -4" fill="none" stroke="#4d5866"/>'


def _way_around(start: int, end: int) -> str:
    """A line from `start` down to `end`, along the diagram's left side, and the sign for the sum there."""
    line = f"M{MIDDLE} {start}H8V{end}H{MIDDLE - 6}m12 0a6 6 0 1 0 -12 0a6 6 0 1 0 12 0m-2 0h-8m4 -4v8"
    return f'<path class="flow" d="{line}" fill="none" stroke="#4d5866"/>'


def _text(x: int, y: int, words: str, style: str = "note") -> str:
    look = 'font-size="13" font-weight="600" fill="#1b2430"' if style == "words" else 'font-size="12" fill="#4d5866"'
    return f'<text class="{style}" x="{x}" y="{y}" {look}>{escape(words)}</text>'


def _paint(part: Part, opacity: float) -> str:
    colour = COLOURS.get(part.kind, GREY)
    return f'stroke="{colour}" fill="{colour}" fill-opacity="{opacity}"'
