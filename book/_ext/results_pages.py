"""Sphinx extension: numbers that are read from `results/` when the book is built, so that none is typed by hand.

A number in a sentence (accuracies in per cent):

    {result}`lenet5-best test_accuracy`          mean ± standard deviation over the seeds
    {result}`lenet5-best test_accuracy mean`     or std, min, max; test_loss has the same four
    {result}`lenet5-best parameters`             or seeds, epochs, fastest_epoch, machine

A table of recipes, each with its settings and its runs behind a click. The number after a recipe is the test accuracy,
in per cent, which the document that the recipe follows reports; it may be left out:

    ```{results-table}
    lenet5-tanh-avg: 89.33
    lenet5-best:
    ```

Each run's test accuracy as a dot, on one axis:

    ```{results-plot} lenet5-tanh-avg lenet5-best
    ```

The test accuracy, in per cent, on corrupted images: a corruption and its amount; then mean, std, min or max:

    {corrupted}`seminar-cnn noise 0.3`

Two recipes compared, paired by seed, with the sentence that the interval allows, or as numbers for a table; on the
test images as they are, or corrupted:

    {comparison}`lenet5-relu-max lenet5-tanh-avg`
    {comparison}`seminar-cnn seminar-mlp noise 0.3`
    {difference}`seminar-cnn seminar-mlp noise 0.3`

What the document that a recipe follows reports, in per cent, as the tables of `book/results.md` have it:

    {documented}`lenet5-tanh-avg`

A recipe without a result file is a build error.
"""

import re
from pathlib import Path
from statistics import mean, stdev

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from dot_plot import dot_plot
from sphinx.util.docutils import SphinxDirective, SphinxRole

from cnncourse import settings
from cnncourse.experiments.results import compare, corrupted, load_results, summarise

STATISTICS = {"mean": mean, "std": stdev, "min": min, "max": max}
COLUMNS = ["Recipe", "Parameters", "Seeds", "Epochs", "Accuracy, %", "Documented", "Difference", "Seconds"]


def load(recipe, env):
    """The result file of a recipe; the page that asks for it is built again when the file changes."""
    env.note_dependency(str(settings.files("recipes") / f"{recipe}.json"))
    try:
        return load_results(recipe)
    except FileNotFoundError as error:
        raise ValueError(f"{error}, or run all that are missing: make results") from error


def test_accuracies(result):
    """Test accuracy of each run, in per cent."""
    return [100 * run["test"]["accuracy"] for run in result["runs"]]


def machine(result):
    environment = result["environment"]
    hardware = environment["cpu"] if environment["device"] == "cpu" else environment["device"]
    return f"{hardware}, PyTorch {environment['torch']}"


def over_seeds(values, statistic=None, digits=2, unit=" %"):
    if statistic is None:
        return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}{unit}"
    return f"{STATISTICS[statistic](values):.{digits}f}{unit}"


def in_a_sentence(result, quantity, statistic=None):
    """One number of a result as it stands in a sentence."""
    if quantity in ("test_accuracy", "test_loss"):
        if quantity == "test_accuracy":
            values, digits, unit = test_accuracies(result), 2, " %"
        else:
            values, digits, unit = [run["test"]["loss"] for run in result["runs"]], 4, ""
        return over_seeds(values, statistic, digits, unit)
    summary = summarise(result["recipe"])
    return {
        "parameters": f"{summary.parameters:,}",
        "seeds": f"{summary.seeds}",
        "epochs": f"{summary.epochs}",
        "fastest_epoch": f"{summary.fastest_epoch:.1f}",
        "machine": machine(result),
    }[quantity]


def named(words):
    """A corruption, whose name may be several words, and its amount."""
    return " ".join(words[:-1]), float(words[-1])


class NumberRole(SphinxRole):
    """A role whose words become a text; what it can't read is a build error."""

    def run(self):
        try:
            return [nodes.Text(self.read(*self.text.split()))], []
        except (ValueError, KeyError, TypeError) as error:
            message = self.inliner.reporter.error(f"{{{self.name}}}`{self.text}`: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


class ResultRole(NumberRole):
    def read(self, recipe, quantity, statistic=None):
        return in_a_sentence(load(recipe, self.env), quantity, statistic)


class CorruptedRole(NumberRole):
    def read(self, recipe, *words):
        load(recipe, self.env)
        statistic = words[-1] if words[-1] in STATISTICS else None
        corruption, amount = named(words[:-1] if statistic else words)
        by_amount = corrupted(recipe, corruption)
        if amount not in by_amount:
            raise ValueError(f"{recipe} was measured with {corruption!r} of {list(by_amount)}, not of {amount:g}")
        return over_seeds([100 * accuracy for accuracy in by_amount[amount]], statistic)


class ComparisonRole(NumberRole):
    def read(self, first, second, *words):
        load(first, self.env), load(second, self.env)
        corruption, amount = named(words) if words else ("", 0)
        return self.written(compare(first, second, corruption=corruption, amount=amount))

    written = staticmethod(str)


class DifferenceRole(ComparisonRole):
    @staticmethod
    def written(difference):
        """In percentage points, with the interval."""
        mean, low, high = (f"{100 * value:+.2f}".replace("-", "−") for value in difference[:3])
        return f"{mean} ({low} to {high})"


class DocumentedRole(NumberRole):
    def read(self, recipe):
        page = Path(self.env.srcdir, "book", "results.md")
        self.env.note_dependency(str(page))
        figure = re.search(rf"^{re.escape(recipe)}: ([\d.]+)$", page.read_text(encoding="utf8"), re.MULTILINE)
        if figure is None:
            raise ValueError(f"no table of book/results.md has a documented figure for {recipe!r}")
        return f"{figure[1]} %"


class ResultsTable(SphinxDirective):
    has_content = True

    def run(self):
        documented = yaml.safe_load("\n".join(self.content))
        try:
            results = {recipe: load(recipe, self.env) for recipe in documented}
        except ValueError as error:
            raise self.error(str(error)) from error
        lines = [row(COLUMNS), row([":--"] + ["--:"] * (len(COLUMNS) - 1))]
        lines += [row(cells(recipe, result, documented[recipe])) for recipe, result in results.items()]
        lines.append("")
        for recipe, result in results.items():
            lines += details(recipe, result)
        content = nodes.container(classes=["results"])
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), self.content_offset, content)
        return [content]


def row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def cells(recipe, result, documented):
    """One row of the table, in Markdown."""
    summary = summarise(recipe)
    accuracy = 100 * summary.test_accuracy
    difference = "" if documented is None else f"{accuracy - documented:+.2f}".replace("-", "−")
    return [
        f"[{recipe}](#recipe-{recipe})",
        f"{summary.parameters:,}",
        summary.seeds,
        summary.epochs,
        f"{accuracy:.2f} ± {100 * summary.test_deviation:.2f}",
        "" if documented is None else f"{documented:.2f}",
        difference,
        f"{summary.fastest_epoch:.1f}",
    ]


def details(recipe, result):
    """Markdown of the dropdown with a recipe's settings and runs."""
    choices = [row([name, f"`{value}`"]) for name, value in result["settings"].items() if value]
    runs = [
        row([run["seed"], f"{accuracy:.2f}", f"{run['test']['loss']:.4f}", f"{run['history'][-1]['train_loss']:.4f}"])
        for run, accuracy in zip(result["runs"], test_accuracies(result), strict=True)
    ]
    return [
        f"````{{dropdown}} {recipe}: settings and runs",
        f":name: recipe-{recipe}",
        f"Run on: {machine(result)}.",
        "",
        "| Setting | Value |",
        "|:--|:--|",
        *choices,
        "",
        "| Seed | Test accuracy, % | Test loss | Training loss, last epoch |",
        "|--:|--:|--:|--:|",
        *runs,
        "````",
        "",
    ]


class ResultsPlot(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        recipes = self.arguments[0].split()
        try:
            rows = {recipe: test_accuracies(load(recipe, self.env)) for recipe in recipes}
        except ValueError as error:
            raise self.error(str(error)) from error
        return [nodes.raw("", dot_plot(rows), format="html")]


def setup(app):
    app.add_role("result", ResultRole())
    app.add_role("corrupted", CorruptedRole())
    app.add_role("comparison", ComparisonRole())
    app.add_role("difference", DifferenceRole())
    app.add_role("documented", DocumentedRole())
    app.add_directive("results-table", ResultsTable)
    app.add_directive("results-plot", ResultsPlot)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
