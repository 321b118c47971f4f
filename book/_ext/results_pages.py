"""Sphinx extension: numbers that are read from `results/` when the book is built, so that none is typed by hand.

A number in a sentence (accuracies in per cent):

    {result}`lenet5-best test_accuracy`          mean ± standard deviation over the seeds
    {result}`lenet5-best test_accuracy mean`     or std, min, max; test_loss has the same four
    {result}`lenet5-best parameters`             or seeds, epochs, fastest_epoch, machine

How its network reads strangers' digits (see `cnncourse.experiments.strangers`):

    {result}`digitnet-hand strangers`            or one of its numbers: strangers slashed_zero

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

Two recipes compared, paired by seed, with the words that the interval allows, or as numbers for a table; on the
validation part, on the test images as they are, or corrupted:

    {comparison}`lenet5-relu-max lenet5-tanh-avg`
    {comparison}`lenet5-relu-max lenet5-tanh-avg test`
    {comparison}`seminar-cnn seminar-mlp noise 0.3`
    {difference}`seminar-cnn seminar-mlp noise 0.3`

What the document that a recipe follows reports, in per cent, as the tables of `book/results.md` have it:

    {documented}`lenet5-tanh-avg`

A recipe without a result file is a build error.
"""

import re
from math import isnan, nan
from pathlib import Path
from statistics import mean, stdev

import yaml
from common import MarkdownDirective, NumberRole, load, machines, signed, table
from docutils import nodes
from dot_plot import dot_plot
from sphinx.util.docutils import SphinxDirective

from cnncourse.experiments import compare, corrupted, load_results, strangers, summarise

COLUMNS = ["Recipe", "Parameters", "Seeds", "Epochs", "Accuracy, %", "Documented", "Difference", "Seconds"]


def test_accuracies(result):
    """Test accuracy of each run, in per cent."""
    return [100 * run["test"]["accuracy"] for run in result["runs"]]


def deviation(values):
    """The standard deviation; a single value has none."""
    return stdev(values) if len(values) > 1 else nan


STATISTICS = {"mean": mean, "std": deviation, "min": min, "max": max}


def over_seeds(values, statistic=None, digits=2, unit=" %"):
    """One statistic of the seeds, or mean ± standard deviation; a dash for what one seed does not have."""
    if statistic is None:
        spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
        return f"{mean(values):.{digits}f}{spread}{unit}"
    number = STATISTICS[statistic](values)
    return "–" if isnan(number) else f"{number:.{digits}f}{unit}"


def in_a_sentence(result, quantity, statistic=None):
    """One number of a result as it stands in a sentence."""
    if quantity in ("test_accuracy", "test_loss"):
        if quantity == "test_accuracy":
            values, digits, unit = test_accuracies(result), 2, " %"
        else:
            values, digits, unit = [run["test"]["loss"] for run in result["runs"]], 4, ""
        return over_seeds(values, statistic, digits, unit)
    if quantity == "strangers":
        return of_strangers(result["recipe"], statistic or "right")
    summary = summarise(result["recipe"])
    return {
        "parameters": f"{summary.parameters:,}",
        "seeds": f"{summary.seeds}",
        "epochs": f"{summary.epochs}",
        "fastest_epoch": f"{summary.fastest_epoch:.1f}",
        "machine": machines(result),
    }[quantity]


def of_strangers(recipe, quantity):
    """One number of a network's measurement on strangers' digits; shares in per cent."""
    value = {key.replace(" ", "_"): value for key, value in strangers(recipe).items()}[quantity]
    if isinstance(value, list):
        return " to ".join(f"{100 * end:.1f}" for end in value) + " %"
    return f"{100 * value:.1f} %" if isinstance(value, float) else f"{value:,}"


def named(words):
    """A corruption, whose name may be several words, and its amount."""
    return " ".join(words[:-1]), float(words[-1])


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
        corruption, amount = named(words) if len(words) > 1 else ("", 0)
        return self.written(
            compare(first, second, on="test" if words else "valid", corruption=corruption, amount=amount)
        )

    @staticmethod
    def written(difference):
        """As a sentence's end, with what the interval allows to say."""
        first, interval, verdict = str(difference).splitlines()
        return f"{first.split(': ')[1]} on {difference.on} ({interval}): {verdict}"


class DifferenceRole(ComparisonRole):
    @staticmethod
    def written(difference):
        """In percentage points, with the interval."""
        mean, low, high = (signed(100 * value) for value in difference[:3])
        return f"{mean} ({low} to {high})"


class DocumentedRole(NumberRole):
    def read(self, recipe):
        page = Path(self.env.srcdir, "book", "results.md")
        self.env.note_dependency(str(page))
        figure = re.search(rf"^{re.escape(recipe)}: ([\d.]+)$", page.read_text(encoding="utf8"), re.MULTILINE)
        if figure is None:
            raise ValueError(f"no table of book/results.md has a documented figure for {recipe!r}")
        return f"{figure[1]} %"


class ResultsTable(MarkdownDirective):
    has_content = True
    classes = ("results",)

    def lines(self):
        documented = yaml.safe_load("\n".join(self.content))
        results = {recipe: load(recipe, self.env) for recipe in documented}
        lines = table(COLUMNS, [cells(recipe, documented[recipe]) for recipe in results])
        lines.append("")
        for recipe, result in results.items():
            lines += details(recipe, result)
        return lines


def cells(recipe, documented):
    """One row of the table, in Markdown."""
    summary = summarise(recipe)
    accuracy = 100 * summary.test_accuracy
    return [
        f"[{recipe}](#recipe-{recipe})",
        f"{summary.parameters:,}",
        summary.seeds,
        summary.epochs,
        over_seeds(test_accuracies(load_results(recipe)), unit=""),
        "" if documented is None else f"{documented:.2f}",
        "" if documented is None else signed(accuracy - documented),
        f"{summary.fastest_epoch:.1f}",
    ]


def details(recipe, result):
    """Markdown of the dropdown with a recipe's settings and runs."""
    choices = [[name, f"`{value}`"] for name, value in result["settings"].items() if value]
    runs = [
        [run["seed"], f"{accuracy:.2f}", f"{run['test']['loss']:.4f}", f"{run['history'][-1]['train_loss']:.4f}"]
        for run, accuracy in zip(result["runs"], test_accuracies(result), strict=True)
    ]
    where = f"Run on: {machines(result)}."
    if (fastest := summarise(recipe).machine) != machines(result):
        where += f" The fastest epoch was on: {fastest}."
    return [
        f"````{{dropdown}} {recipe}: settings and runs",
        f":name: recipe-{recipe}",
        where,
        "",
        *table(["Setting", "Value"], choices, words=2),
        "",
        *table(["Seed", "Test accuracy, %", "Test loss", "Training loss, last epoch"], runs, words=0),
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
