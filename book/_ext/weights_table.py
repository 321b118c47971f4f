"""Sphinx extension: the table of the trained weights that come with the course, read from `results/` at the build.

    ```{weights-table}
    ```

A row says what a file in `results/recipes/weights/` holds, how it was trained and how well it does on the test split,
and links to the file.
"""

from common import MarkdownDirective, load, row

from cnncourse import settings

COLUMNS = ["Weights", "Test accuracy, %", "Network", "Parameters", "Trained on", "Size, kB"]


class WeightsTable(MarkdownDirective):
    def lines(self):
        weights = settings.files("recipes") / "weights"
        self.env.note_dependency(str(weights))
        lines = [row(COLUMNS), row([":--", "--:", ":--", "--:", ":--", "--:"])]
        return lines + [row(cells(path, load(path.stem, self.env))) for path in sorted(weights.glob("*.pt"))]


def cells(path, result):
    """One row of the table, in Markdown."""
    chosen = result["settings"]
    trained = f"{chosen['data']}, {chosen['epochs']} epochs of batches of {chosen['batch_size']}"
    if chosen["augment"]:
        trained += ", with " + ", ".join(f"`{change}`" for change in chosen["augment"])
    [run] = [run for run in result["runs"] if run["seed"] == 0]
    return [
        f"{{download}}`{path.stem} <../results/recipes/weights/{path.name}>`",
        f"{100 * run['test']['accuracy']:.2f}",
        f"`{chosen['model']}`",
        f"{result['parameters']:,}",
        trained,
        round(path.stat().st_size / 1000),
    ]


def setup(app):
    app.add_directive("weights-table", WeightsTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
