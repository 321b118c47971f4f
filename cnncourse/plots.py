"""The figures that the chapters share, in one style, which `use_style` gives to all other figures too.

Every function returns a matplotlib `Figure`. A notebook shows it once, as the value of the cell's last line; a script
saves it, `figure.savefig("losses.png")`, or shows it in a window, `plt.show()`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import ListedColormap
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from cnncourse._text import by

STYLE = rc_params_from_file(Path(__file__).with_name("course.mplstyle"), use_default_template=False)
COLOURS = STYLE["axes.prop_cycle"].by_key()["color"]
ORANGE = ListedColormap(["#E69F00"])  # of a heat map, which says how much of it
ROUNDING = 1e-3  # how far a value may lie outside of [0, 1]: less than half of one of 255 steps, which nobody sees

P = ParamSpec("P")
Row = Mapping[str, Any]  # of a history: an epoch, and what was measured in it


def use_style() -> None:
    """Give all figures of this program the look of the course: matplotlib's settings change.

    A notebook then shows them with twice as many pixels, which screens of today draw sharply.
    """
    plt.rcParams.update(STYLE)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


class _Figure(matplotlib.figure.Figure):
    """A figure in the style of the course also when it is drawn, which is later than it is made."""

    def draw(self, renderer: RendererBase) -> None:
        with plt.rc_context(STYLE):
            super().draw(renderer)


def _styled(draw: Callable[P, matplotlib.figure.Figure]) -> Callable[P, matplotlib.figure.Figure]:
    """Draw a figure in the style of the course, and leave matplotlib's settings as they are."""

    @wraps(draw)
    def drawn(*args: P.args, **keywords: P.kwargs) -> matplotlib.figure.Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **keywords)
        if figure.canvas.required_interactive_framework is None:  # no window: a notebook would show it once more
            plt.close(figure)
        return figure

    return drawn


@_styled
def plot_history(histories: Sequence[Row] | Mapping[str, Sequence[Row]]) -> matplotlib.figure.Figure:
    """Loss and accuracy by epoch, dashed on the training part and solid on the validation part.

    Args:
        histories: what `fit` returned, or several of them by name, to compare.

    Raises:
        ValueError: a history has no epochs, because the first was not finished; or its rows are none of a history.
    """
    if not isinstance(histories, Mapping):
        histories = {"": histories}
    if not histories or not all(histories.values()):
        raise ValueError("there is nothing to plot: a history has no epochs")
    for history in histories.values():
        rows = history if isinstance(history, Sequence) else [None]
        if not all(isinstance(row, Mapping) and "epoch" in row for row in rows):
            raise ValueError("a history is a list of rows with an epoch each; give several by name: {'name': history}")
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.2), FigureClass=_Figure)
    for panel, measure in zip(panels, ("loss", "accuracy"), strict=True):
        for number, (name, history) in enumerate(histories.items()):
            for part, line in (("train", "--"), ("valid", "-")):
                points = [(row["epoch"], row[key]) for row in history if (key := f"{part}_{measure}") in row]
                if points:
                    look = {"color": COLOURS[number % len(COLOURS)], "label": f"{name} {part}".strip()}
                    mark = "o" if len(points) == 1 else ""  # one point makes no line
                    panel.plot(*zip(*points, strict=True), line + mark, **look)
        panel.set(title=measure.capitalize(), xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
        if panel.lines:
            panel.legend()
    panels[0].set_ylim(bottom=0)
    panels[1].yaxis.set_major_formatter(PercentFormatter(1))
    return figure


@_styled
def show_images(
    images: Tensor, titles: Sequence[str] | None = None, *, columns: int = 11, size: float = 0.9
) -> matplotlib.figure.Figure:
    """Images in a grid, each with its title.

    Args:
        images: uint8, or float in [0, 1], or bool; N×1×H×W or N×3×H×W.
        titles: N short texts, or None.
        columns: how many images a row has.
        size: the width of one image in inches.

    Raises:
        ValueError: the images are not a batch of grey or colour images, their values are outside of the range, as those
            of normalised images are, or there are not as many titles.
    """
    images = _checked(images, titles)
    columns = min(columns, len(images))
    figure, panels = _grid(-(-len(images) // columns), columns, size, size * (1.3 if titles is not None else 1))
    for number, (panel, image) in enumerate(zip(panels.flat, images, strict=False)):
        _show_image(panel, image)
        if titles is not None:
            panel.set_title(titles[number], fontsize=9)
    return figure


@_styled
def plot_confusion(matrix: Tensor, classes: Sequence[str]) -> matplotlib.figure.Figure:
    """A confusion matrix with its numbers. The more often an error happens, the darker its field.

    What is right, on the diagonal, is grey, so that it does not outshine the errors; a field without a number is 0.

    Args:
        matrix: numbers of images, or shares of them, classes×classes, a row a label, a column an answer.
        classes: their names.

    Raises:
        ValueError: the matrix is not square, there are not as many names, or it has other values.
    """
    matrix, number = torch.as_tensor(matrix).detach().cpu(), len(classes)
    if matrix.shape != (number, number):
        raise ValueError(f"{number} classes have a matrix of {number}×{number}, not {by(matrix.shape)}")
    if not (matrix >= 0).all() or matrix.isinf().any():
        raise ValueError("a confusion matrix counts images, so its values are numbers from 0 up")
    whole = bool((matrix == matrix.round()).all())
    right = torch.eye(number)
    errors = matrix * (1 - right)
    most = errors.max().item() or 1
    figure, panel = plt.subplots(figsize=(1.9 + 0.56 * number, 1.5 + 0.47 * number), FigureClass=_Figure)
    panel.imshow(errors.numpy(), cmap="Blues", vmin=0, vmax=1.15 * most, aspect="auto")
    panel.imshow(right.numpy(), cmap="Greys", vmin=0, vmax=5, alpha=right.numpy(), aspect="auto")
    for label, answer in matrix.nonzero().tolist():
        colour = "white" if errors[label, answer] > 0.8 * most else "black"
        panel.text(
            answer,
            label,
            f"{matrix[label, answer].item():{',.0f' if whole else '.2f'}}",
            ha="center",
            va="center",
            color=colour,
            fontsize=9,
        )
    long = max(map(len, classes)) > 3
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if long else {}
    panel.set_xticks(range(number), classes, **turned)
    panel.set_yticks(range(number), classes)
    panel.set(xlabel="answer", ylabel="label")
    panel.set_xticks(np.arange(number - 1) + 0.5, minor=True)
    panel.set_yticks(np.arange(number - 1) + 0.5, minor=True)
    panel.tick_params(which="minor", length=0)
    panel.grid(False)
    panel.grid(which="minor")  # lines between the fields
    return figure


@_styled
def plot_feature_maps(maps: Mapping[str, Tensor], *, columns: int = 8, size: float = 1.0) -> matplotlib.figure.Figure:
    """The maps of the first image of a batch: a row a layer, with its first maps.

    In each row black is the smallest and white the largest value of the maps shown.

    Args:
        maps: what `feature_maps` gave, or some of it: N×C×H×W by layer. Layers that give no maps, N×F, are left out.
        columns: how many maps of a layer are shown.
        size: the width of one map in inches.

    Raises:
        ValueError: no layer gives maps, or these have values that are no numbers.
    """
    maps = {name: output for name, output in maps.items() if output.ndim == 4 and output.numel()}
    if not maps:
        raise ValueError("there is nothing to plot: no layer gives maps, N×C×H×W")
    columns = min(columns, max(output.shape[1] for output in maps.values()))
    rows = {f"{name}: {by(output.shape[1:])}": output[0, :columns] for name, output in maps.items()}
    pictures = [_finite(output, f"layer {name}") for name, output in rows.items()]
    figure, panels = _grid(len(maps), columns, size, 1.2 * size)
    for row, title, shown in zip(panels, rows, pictures, strict=True):
        for panel, values in zip(row, shown, strict=False):
            panel.imshow(values, vmin=shown.min(), vmax=shown.max())
        row[0].set_title(title, fontsize=9, loc="left")
    return figure


@_styled
def plot_filters(weights: Tensor, *, columns: int = 8, size: float = 0.9) -> matplotlib.figure.Figure:
    """The kernels of a convolution as pictures; the largest weight sets the scale for all.

    Filters of three channels are pictures in colour, with 0 as grey. All others are blue where a weight is positive,
    red where it is negative and white where it is 0; with several channels, each filter is a row of pictures.

    Args:
        weights: a convolution's `weight`, outputs×inputs×H×W.
        columns: how many filters of one or three channels stand in a row.
        size: the width of one picture in inches.

    Raises:
        ValueError: these are not the weights of a convolution, or they are no numbers.
    """
    if weights.ndim != 4 or weights.numel() == 0:
        raise ValueError(f"the weights of a convolution are outputs×inputs×H×W, not {by(weights.shape)}")
    weights = torch.from_numpy(_finite(weights, "this weight"))
    channels, limit = weights.shape[1], weights.abs().max().item() or 1.0
    if channels == 3:
        pictures = (0.5 + weights / (2 * limit)).movedim(1, -1)  # outputs×H×W×3, from 0 to 1
    else:
        pictures = weights.flatten(0, 1)
        columns = columns if channels == 1 else channels
    columns = min(columns, len(pictures))
    figure, panels = _grid(-(-len(pictures) // columns), columns, size, size)
    for panel, picture in zip(panels.flat, pictures, strict=False):
        panel.imshow(picture.numpy(), cmap="RdBu", vmin=-limit, vmax=limit)
    return figure


@_styled
def plot_heat_maps(
    images: Tensor, heat: Tensor, titles: Sequence[str] | None = None, *, columns: int = 6, size: float = 1.6
) -> matplotlib.figure.Figure:
    """Images, and below each the same in grey with its heat map over it: the more orange, the hotter.

    Each heat map is scaled by its own largest value. Where it is 0 everywhere, nothing is orange.

    Args:
        images: uint8 or float in [0, 1], N×1×H×W or N×3×H×W.
        heat: at least 0, N×H×W, as from `grad_cam`.
        titles: N short texts, or None.
        columns: how many images stand side by side.
        size: the width of one image in inches.

    Raises:
        ValueError: the images are not such a batch, or heat maps or titles do not fit them.
    """
    images, heat = _checked(images, titles), torch.as_tensor(heat).detach().cpu().float()
    if heat.shape != (len(images), *images.shape[2:]):
        expected = by((len(images), *images.shape[2:]))
        raise ValueError(f"images of {by(images.shape)} have heat maps of {expected}, not {by(heat.shape)}")
    if not (heat >= 0).all() or heat.isinf().any():
        raise ValueError(f"heat maps have values from 0 up, not from {heat.min():g} to {heat.max():g}; see Tensor.relu")
    images = images / (1 if images.is_floating_point() else 255)
    heat = heat / heat.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    columns = min(columns, len(images))
    height = size * (1.15 if titles is not None else 1.02)
    figure, panels = _grid(2 * -(-len(images) // columns), columns, size, height)
    for number, (image, opacity) in enumerate(zip(images, 0.85 * heat, strict=True)):
        row, column = divmod(number, columns)
        above, below = panels[2 * row, column], panels[2 * row + 1, column]
        _show_image(above, image)
        _show_image(below, image.mean(dim=0, keepdim=True))
        below.imshow(np.ones(opacity.shape), cmap=ORANGE, alpha=opacity.numpy())
        if titles is not None:
            above.set_title(titles[number], fontsize=9)
    return figure


def _grid(rows: int, columns: int, width: float, height: float) -> tuple[matplotlib.figure.Figure, Any]:
    """A figure of small panels without axes; width and height of each in inches."""
    size = width * columns, height * rows
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, FigureClass=_Figure)
    for panel in panels.flat:
        panel.set_axis_off()
    return figure, panels


def _show_image(panel: Axes, image: Tensor) -> None:
    """An image C×H×W, uint8 or float in [0, 1]."""
    pixels = image.movedim(0, -1).squeeze(-1).numpy()  # H×W, or H×W×3
    panel.imshow(pixels, vmin=0, vmax=1 if image.is_floating_point() else 255)


def _checked(images: Tensor, titles: Sequence[str] | None) -> Tensor:
    """The images on the CPU, uint8 or float32 in [0, 1], if they can be shown."""
    images = torch.as_tensor(images).detach().cpu()
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images must be N×1×H×W or N×3×H×W, not {by(images.shape)}")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"there are {len(images)} images but {len(titles)} titles")
    if images.dtype == torch.bool or images.is_floating_point():
        images = images.float()
        low, high, expected = images.min(), images.max(), "in [0, 1]"
        fits = low >= -ROUNDING and high <= 1 + ROUNDING
    else:
        low, high, expected = images.min(), images.max(), "whole numbers from 0 to 255"
        fits = low >= 0 and high <= 255
    if not fits:
        raise ValueError(
            f"images to show have values {expected}, but these go from {low:g} to {high:g}. Normalised images: show "
            "those of the data set, images.images, or multiply by std and add mean. Float images from 0 to 255: divide."
        )
    return images.clamp(0, 1) if images.is_floating_point() else images.to(torch.uint8)


def _finite(values: Tensor, what: str) -> np.ndarray[Any, Any]:
    """The values as an array, if all of them are numbers."""
    if not values.isfinite().all():
        raise ValueError(f"{what} has values that are infinite or no numbers: the network's training has failed")
    return values.detach().cpu().float().numpy()
