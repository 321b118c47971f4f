"""The figures that the chapters share, in one style.

Every function returns a matplotlib `Figure` that is closed for pyplot, so a notebook shows it once: as the value of
the cell's last line.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor

STYLE = Path(__file__).with_name("course.mplstyle")
plt.style.use(STYLE)


def plot_history(histories: Sequence[dict] | Mapping[str, Sequence[dict]]) -> Figure:
    """Loss and accuracy by epoch, dashed on the training part and solid on the validation part.

    Args:
        histories: what `fit` returned, or several of them by name, to compare.

    Raises:
        ValueError: a history has no epochs, because the first was not finished.
    """
    if not isinstance(histories, Mapping):
        histories = {"": histories}
    if not all(histories.values()):
        raise ValueError("there is nothing to plot: a history has no epochs")
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.6))
    for panel, measure in zip(panels, ("loss", "accuracy"), strict=True):
        for number, (name, history) in enumerate(histories.items()):
            epochs = [row["epoch"] for row in history]
            for part, line in (("train", "--"), ("valid", "-")):
                if f"{part}_{measure}" in history[0]:
                    values = [row[f"{part}_{measure}"] for row in history]
                    label = f"{name} {part}".strip()
                    panel.plot(epochs, values, line, color=f"C{number}", label=label)
        panel.set(title=measure.capitalize(), xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend()
    panels[0].set_ylim(bottom=0)
    panels[1].yaxis.set_major_formatter(PercentFormatter(1))
    return _finish(figure)


def show_images(images: Tensor, titles: Sequence[str] | None = None, *, columns: int = 11, size: float = 0.9) -> Figure:
    """Images in a grid, each with its title.

    Args:
        images: uint8 or float in [0, 1], N×1×H×W or N×3×H×W.
        titles: N short texts, or None.
        columns: how many images a row has.
        size: the width of one image in inches.

    Raises:
        ValueError: the images are not a batch of grey or colour images, or there are not as many titles.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(f"images must be N×1×H×W or N×3×H×W, not {'×'.join(map(str, images.shape))}")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"there are {len(images)} images but {len(titles)} titles")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = size * (1.3 if titles is not None else 1)
    figure, panels = plt.subplots(rows, columns, figsize=(size * columns, height * rows), squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    limit = 1 if images.is_floating_point() else 255
    pixels = images.movedim(1, -1).squeeze(-1).numpy(force=True)  # N×H×W, or N×H×W×3
    for number, (panel, image) in enumerate(zip(panels.flat, pixels, strict=False)):
        panel.imshow(image, vmin=0, vmax=limit)
        if titles is not None:
            panel.set_title(titles[number], fontsize=9)
    return _finish(figure)


def _finish(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
