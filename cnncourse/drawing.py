"""Drawings of networks as SVG, made from the networks themselves.

Data flows down. A box is what a layer gives: on top it is as wide and as deep as a map, and the more maps there are,
the more sheets it has. Layers that keep the shape, such as norms and activations, are bars below it. A drawing has a
light ground of its own; a page that it becomes a part of can give it other colours by its classes: see cnncourse.css.
"""

from dataclasses import dataclass
from html import escape
from math import cbrt, sqrt
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from torch import nn

from cnncourse.analysis import Layer, summary
from cnncourse.layers import Call, image_shape, watch

WIDTH, MIDDLE, LEFT, LINE, GAP = 350, 62, 122, 15, 16  # pixels: drawing; middle of boxes; text's left, height; arrow
# Colours that stand out from black and from white, by the file of torch.nn that a layer is from.
COLOURS = {"conv": "#0e8a9e", "pooling": "#c2700e", "linear": "#8a63e0", "activation": "#d9486e"}
COLOURS |= dict.fromkeys(("batchnorm", "instancenorm", "normalization"), "#4a7fd6")
OTHER = "#7f8895"
BARS = {"activation", "batchnorm", "instancenorm", "normalization", "dropout"}
NAMES = {"Conv2d": "convolution", "MaxPool2d": "max-pooling", "AvgPool2d": "average pooling", "Linear": "dense layer"}
NAMES |= {"AdaptiveAvgPool2d": "adaptive average pooling", "BatchNorm2d": "batch norm", "GroupNorm": "group norm"}
NAMES |= {"LayerNorm": "layer norm", "LeakyReLU": "leaky ReLU", "Tanh": "tanh", "LogSoftmax": "log softmax"}
NAMES |= {"Dropout": "dropout", "Flatten": "flatten", "Residual": "sum with what came in"}


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing of a network. A notebook shows it; printed, it says in words what it shows.

    Attributes:
        svg: the drawing, 350 pixels wide.
        text: the same in words.
    """

    svg: str
    text: str

    def save(self, path: Path | str) -> None:
        """Write the drawing to a file, NAME.svg."""
        Path(path).write_text(self.svg, encoding="utf8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return self.text


class Part(NamedTuple):
    """What a layer adds to the drawing: a box, or a bar below the last one."""

    name: str
    kind: str
    words: str
    shape: tuple[int, ...]
    parameters: int = 0
    kernel: tuple[int, ...] = ()
    is_bar: bool = False
    goes_on: bool = True  # from the part before
    begin: int | None = None  # of a Residual, which ends here: the place of its first part

    @property
    def numbers(self) -> str:
        shape = [] if self.is_bar else ["×".join(map(str, self.shape))]
        return ", ".join(shape + ([_count(self.parameters, "parameter")] if self.parameters else []))


def draw(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> Drawing:
    """A drawing of a network: its layers in the order in which they run, with kernels, output shapes and parameters.

    Layers that change nothing, as dropout with probability 0, are left out. So are steps that are no layers: where one
    lies between two layers, or a skip connection, their arrow is dashed. Only a module whose class is named Residual
    gets a line from what comes into it to the end of its layers, where the two are added.

    Args:
        model: on any device.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: images of this shape do not fit the model, or a layer gives something else than one tensor.
    """
    input_shape = image_shape(model, input_shape)
    table = summary(model, input_shape)
    parts = [Part("", "", "image", input_shape), *_parts(watch(model, input_shape), table.rows)]
    scale = min(11, 66 / sqrt(max(max(part.shape[1:], default=1) for part in parts)))

    name, work = type(model).__name__, _count(table.multiply_adds, "multiply-add")
    parameters = _count(table.parameters, "parameter")
    drawn = [_text(12, 24, name, "words"), _text(12, 24 + LINE, f"{parameters}, {work}", "note")]
    bottoms, face, y = [], (0, 0, 0, 0), 52.0
    for part in parts:
        bottoms.append(y)
        if part.is_bar:
            drawn += [_bar(part, y, face), _text(LEFT, y + 11, _join(part), "note")]
            y += LINE
            continue
        if part.kind:
            drawn.append(_arrow(y, part, face, bottoms))
            y += GAP
        lines = wrap(part.words, 36)
    ...
