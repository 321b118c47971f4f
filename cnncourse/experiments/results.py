"""What the recipes measured, kept in files, so that no number in the course is typed by hand.

A result file, `results/recipes/NAME.json`, holds one run for each seed:

    {"recipe": name, "settings": {…}, "parameters": 61706, "environment": {"torch": "2.13.0", "device": "cpu", …},
     "runs": [{"seed": 0, "history": [{"epoch": 1, "train_loss": …, …}, …], "test": {"loss": …, "accuracy": …}}, …]}

Accuracies are fractions; `cnncourse.train.fit` says what a history is.
"""

import json
import math
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

from cnncourse import settings
from cnncourse._files import write_whole
from cnncourse._text import Table

# The 97.5 % point of Student's t distribution for n - 1 degrees of freedom, by n.
T_975 = dict(zip(range(2, 11), (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262), strict=True))


class Summary(NamedTuple):
    """A recipe over its seeds. Accuracies and losses are those after the last epoch; deviations are between seeds.

    The time is that of the fastest epoch of all runs, in seconds, since whatever else a machine does only adds to it.
    """

    recipe: str
    parameters: int
    seeds: int
    epochs: int
    test_accuracy: float
    test_deviation: float
    test_loss: float
    train_accuracy: float
    valid_accuracy: float
    fastest_epoch: float


class Difference(NamedTuple):
    """How much more accurate one recipe is than another, paired by seed, with a 95 % confidence interval."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        percent = "{:+.2f}".format
        interval = f"{percent(100 * self.mean)} percentage points, 95 % interval {percent(100 * self.low)} to "
        interval += f"{percent(100 * self.high)}, over {self.seeds} seeds"
        if self.low > 0:
            return f"{interval}: the first is more accurate"
        if self.high < 0:
            return f"{interval}: the second is more accurate"
        return f"{interval}: these runs do not show which is more accurate"


def load_results(name: str, folder: Path | None = None) -> dict:
    """The result file of a recipe.

    Raises:
        FileNotFoundError: the recipe has not been run; the text says how to run it.
        ValueError: the file is damaged.
    """
    path = (folder or settings.files("recipes")) / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"there are no results of {name!r}. Run it: python -m cnncourse.experiments run {name}")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Delete it and run the recipe anew.") from error


def begin_results(path: Path, recipe_settings: dict, parameters: int, environment: dict[str, str]) -> dict:
    """The result file of a recipe as it is, or what a new one holds before the first run.

    Raises:
        ValueError: the file is damaged, or was written with other settings; names the first that differs.
    """
    if not path.exists():
        begun = {"settings": recipe_settings, "parameters": parameters, "environment": environment}
        return {"recipe": path.stem, **begun, "runs": []}
    result = load_results(path.stem, path.parent)
    written = {**result["settings"], "parameters": result["parameters"]}
    for key, value in {**recipe_settings, "parameters": parameters}.items():
        if written.get(key) != value:
            raise ValueError(
                f"{path} was written with other settings: {key} was {written.get(key)}, now it is {value}. "
                "Delete the file to run the recipe anew; runs of different settings are not mixed."
            )
    return result


def write_results(path: Path, result: dict) -> None:
    """Write a result file, whole or not at all."""
    write_whole(path, json.dumps(result, indent=1) + "\n")


def summarise(name: str, folder: Path | None = None) -> Summary:
    """A recipe over its seeds, at the last epoch."""
    result = load_results(name, folder)
    runs = result["runs"]
    last = [run["history"][-1] for run in runs]
    test = [run["test"]["accuracy"] for run in runs]
    return Summary(
        recipe=name,
        parameters=result["parameters"],
        seeds=len(runs),
        epochs=last[0]["epoch"],
        test_accuracy=mean(test),
        test_deviation=stdev(test) if len(test) > 1 else math.nan,
        test_loss=mean(run["test"]["loss"] for run in runs),
        train_accuracy=mean(row["train_accuracy"] for row in last),
        valid_accuracy=mean(row["valid_accuracy"] for row in last),
        fastest_epoch=min(row["seconds"] for run in runs for row in run["history"]),
    )


def weights_file(name: str, folder: Path | None = None) -> Path:
    """The file with the weights of a recipe's run with seed 0, for `cnncourse.checkpoint.load_weights`.

    Raises:
        FileNotFoundError: none is kept; the text names the recipes that have one.
    """
    weights = (folder or settings.files("recipes")) / "weights"
    path = weights / f"{name}.pt"
    if not path.exists():
        kept = ", ".join(sorted(file.stem for file in weights.glob("*.pt"))) or "none"
        raise FileNotFoundError(f"no weights of {name!r} are kept. Recipes with weights: {kept}.")
    return path


def corrupted(name: str, corruption: str, folder: Path | None = None) -> dict[float, list[float]]:
    """The accuracy of each seed of a recipe on the corrupted test split, by the amount of the corruption.

    Amount 0 is the test split as it is.

    Raises:
        ValueError: the recipe was not measured with this corruption; names those that it was.
    """
    runs = load_results(name, folder)["runs"]
    kinds = list(dict.fromkeys(row["corruption"] for run in runs for row in run.get("corrupted", [])))
    if corruption not in kinds:
        raise ValueError(f"{name} was not measured with {corruption!r}, but with {kinds or 'no corruption'}")
    accuracies = {0: [run["test"]["accuracy"] for run in runs]}
    for run in runs:
        for row in run["corrupted"]:
            if row["corruption"] == corruption:
                accuracies.setdefault(row["amount"], []).append(row["accuracy"])
    return accuracies


def compare(
    first: str, second: str, folder: Path | None = None, *, corruption: str = "", amount: float = 0
) -> Difference:
    """The test accuracy of the first recipe minus that of the second, over the seeds that both have.

    With a corruption and its amount, the accuracy on the test split corrupted so.

    Raises:
        ValueError: they share fewer than two seeds or more than ten, or were not measured so.
    """

    def measured(name: str) -> dict[int, float]:
        runs = load_results(name, folder)["runs"]
        if not corruption:
            return {run["seed"]: run["test"]["accuracy"] for run in runs}
        by_amount = corrupted(name, corruption, folder)
        if amount not in by_amount:
            raise ValueError(f"{name} was measured with {corruption!r} of {list(by_amount)}, not of {amount}")
        return dict(zip([run["seed"] for run in runs], by_amount[amount], strict=True))

    accuracies = [measured(name) for name in (first, second)]
    shared = sorted(accuracies[0].keys() & accuracies[1].keys())
    if len(shared) not in T_975:
        raise ValueError(f"{first} and {second} share {len(shared)} seeds; a paired comparison here takes 2 to 10")
    differences = [accuracies[0][seed] - accuracies[1][seed] for seed in shared]
    half = T_975[len(shared)] * stdev(differences) / math.sqrt(len(shared))
    return Difference(mean(differences), mean(differences) - half, mean(differences) + half, len(shared))


def table(*names: str, folder: Path | None = None) -> Table:
    """The recipes side by side: accuracies at the last epoch in per cent, test accuracy with its deviation."""
    head = ["recipe", "parameters", "epochs", "seeds", "train %", "valid %", "test %"]
    rows = []
    for name in names:
        summary = summarise(name, folder)
        test = f"{100 * summary.test_accuracy:.2f}"
        if summary.seeds > 1:
            test += f" ± {100 * summary.test_deviation:.2f}"
        valid, train = (f"{100 * value:.2f}" for value in (summary.valid_accuracy, summary.train_accuracy))
        rows.append([name, f"{summary.parameters:,}", str(summary.epochs), str(summary.seeds), train, valid, test])
    return Table([head, *rows])
