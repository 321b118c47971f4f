"""Sphinx extension: curves over all runs of a recipe, and the test images as its corruptions leave them.

Test accuracy by the amount of a corruption. The content names the recipes, each with what the legend calls it:

    ```{corrupted-plot} noise
    :caption: Figure 1. What noise does.
    seminar-cnn: convolutional
    seminar-mlp: dense
    ```

What the training measured, by epoch: train_loss, train_accuracy, valid_loss, valid_accuracy or lr:

    ```{history-plot} valid_accuracy
    seminar-cnn: convolutional
    ```

One image of the bundled test images, corrupted as a recipe measures it, by the chosen amounts:

    ```{corrupted-images} seminar-cnn
    noise: [0.1, 0.3, 0.5, 0.8]
    shift: [2, 4, 6, 8]
    ```
"""

import base64
import io
from html import escape

import yaml
from common import load
from docutils import nodes
from docutils.parsers.rst import directives
from line_plot import line_plot
from sphinx.util.docutils import SphinxDirective

from cnncourse.experiments.results import corrupted

AMOUNTS = {
    "noise": "standard deviation of the noise",
    "shift": "pixels of the shift",
    "crop": "pixels of padding around the crop",
}
MEASURES = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy, %",
    "valid_loss": "validation loss",
    "valid_accuracy": "validation accuracy, %",
    "lr": "learning rate",
}
IMAGE = 0  # the first of the test images
SIZE, GAP, LABEL = 84, 12, 24


class FigureDirective(SphinxDirective):
    """A directive that becomes the drawing of `draw(its content)`, with a caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"caption": directives.unchanged}  # noqa: RUF012

    def run(self):
        try:
            drawing = self.draw(yaml.safe_load("\n".join(self.content)))
        except (ValueError, KeyError) as error:
            raise self.error(f"{self.name} {self.arguments[0]}: {error}") from error
        figure = nodes.figure("", nodes.raw("", drawing, format="html"))
        if caption := self.options.get("caption"):
            text, messages = self.state.inline_text(caption, self.lineno)
            figure += [nodes.caption(caption, "", *text), *messages]
        return [figure]


class CorruptedPlot(FigureDirective):
    def draw(self, labels):
        series = {}
        for recipe, label in labels.items():
            load(recipe, self.env)
            by_amount = corrupted(recipe, self.arguments[0])
            series[label] = {amount: [100 * value for value in seeds] for amount, seeds in by_amount.items()}
        return line_plot(series, AMOUNTS[self.arguments[0]], "test accuracy, %", y_range=(0, 100))


class HistoryPlot(FigureDirective):
    def draw(self, labels):
        measure = self.arguments[0]
        label_of_y = MEASURES[measure]
        factor = 100 if label_of_y.endswith("%") else 1
        series = {}
        for recipe, label in labels.items():
            epochs = zip(*(run["history"] for run in load(recipe, self.env)["runs"]), strict=True)
            series[label] = {rows[0]["epoch"]: [factor * row[measure] for row in rows] for rows in epochs}
        return line_plot(series, "epoch", label_of_y)


class CorruptedImages(FigureDirective):
    def draw(self, amounts):
        import torch

        from cnncourse.data._sources import sample_arrays
        from cnncourse.experiments.recipes import RECIPES
        from cnncourse.experiments.runs import one_after_the_other

        recipe = RECIPES[self.arguments[0]]
        functions = {(kind, amount): functions for kind, amount, functions in recipe.corruptions}
        images, _ = sample_arrays(recipe.data, "test")
        image = torch.from_numpy(images[IMAGE : IMAGE + 1]) / 255  # 1×1×H×W
        columns = 1 + max(map(len, amounts.values()))
        width, height = columns * (SIZE + GAP) - GAP, len(amounts) * (SIZE + LABEL + GAP)
        parts = []
        for row, (kind, chosen) in enumerate(amounts.items()):
            for column, amount in enumerate([None, *chosen]):
                torch.manual_seed(0)
                changed = image if amount is None else one_after_the_other(functions[kind, amount])(image)
                label = "as it is" if amount is None else f"{kind} {amount}"
                x, y = column * (SIZE + GAP), row * (SIZE + LABEL + GAP)
                parts.append(
                    f'<image x="{x}" y="{y}" width="{SIZE}" height="{SIZE}" href="{png(changed[0, 0])}"/>'
                    f'<text class="tick" x="{x + SIZE / 2}" y="{y + SIZE + 18}">{escape(label)}</text>'
                )
        title = "One test image as it is, and corrupted: " + "; ".join(
            f"{kind} of {', '.join(map(str, chosen))}" for kind, chosen in amounts.items()
        )
        drawing = f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}">'
        return f'<div class="results-plot images">{drawing}{"".join(parts)}</svg></div>'


def png(image):
    """A tensor of H×W in [0, 1] as an address that holds the image itself."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray((255 * image).round().byte().numpy()).save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def setup(app):
    app.add_directive("corrupted-plot", CorruptedPlot)
    app.add_directive("history-plot", HistoryPlot)
    app.add_directive("corrupted-images", CorruptedImages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
