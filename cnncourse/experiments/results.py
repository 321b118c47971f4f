"""What the recipes measured, kept in files, so that no number in the course is typed by hand.

A result file, `results/recipes/NAME.json`, holds one run for each seed:

    {"recipe": name, "settings": {…}, "parameters": 61706,
     "runs": [{"seed": 0, "environment": {"torch": "2.13.0", "device": "cpu", …},
               "history": [{"epoch": 1, "train_loss": …, …}, …], "test": {"loss": …, "accuracy": …}}, …]}

Accuracies are fractions; `cnncourse.train.fit` says what a history is. A run says itself where it ran, so the runs of
one file may come from several machines.
"""

import json
import math
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal, NamedTuple

from cnncourse import settings
from cnncourse._files import locked, write_whole
from cnncourse._text import Table
from cnncourse.train import History

LARGEST_WEIGHTS = 1_000_000  # bytes of a file that the course carries along


class Summary(NamedTuple):
    """A recipe over its seeds. Accuracies and losses are those after the last epoch; deviations are between seeds.

    The training accuracy is that of the last epoch's batches as they were trained on: augmented, and with dropout.

    The time is that of the fastest epoch of all runs, in seconds, since whatever else a machine does only adds to it;
    with the machine that it was measured on. Only times of one machine can be compared.
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
    valid_deviation: float
    fastest_epoch: float
    machine: str


class Difference(NamedTuple):
    """How much more accurate one recipe is than another, paired by seed, with a 95 % confidence interval.

    The interval covers the luck of the seeds, not that of the images, which are the same in every run. A single seed
    says nothing about others, so its interval has no end.

    Attributes:
        mean: of the differences of the seeds, a fraction.
        low, high: the ends of the interval.
        seeds: how many there are.
        p_value: how likely a mean at least as far from 0 is where there is no difference, by the paired t-test.
        on: what was compared on, for example "validation".
    """

    mean: float
    low: float
    high: float
    seeds: int
    p_value: float
    on: str

    def __str__(self) -> str:
        mean, low, high = (f"{100 * value:+.2f}" for value in (self.mean, self.low, self.high))
        verdict = "these runs do not show which is more accurate"
        if self.low > 0:
            verdict = "the first is more accurate"
        if self.high < 0:
            verdict = "the second is more accurate"
        return (
            f"first - second, {self.on}: {mean} percentage points\n"
            f"95 % interval over {self.seeds} seed{'' if self.seeds == 1 else 's'}: {low} to {high}\n{verdict}"
        )


def holm(*differences: Difference) -> list[float]:
    """Adjust the p-values of differences that are judged at once, after Holm.

    The smallest is multiplied by their number, the next by one less, and so on; none becomes smaller than the one
    before it, or larger than 1. Call those below 0.05 shown, and the chance of even one that is wrong is at most 5 %.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    adjusted, largest = [0.0] * len(differences), 0.0
    for place, number in enumerate(sorted(range(len(differences)), key=lambda number: differences[number].p_value)):
        largest = max(largest, min(1.0, (len(differences) - place) * differences[number].p_value))
        adjusted[number] = largest
    return adjusted


def t_975(seeds: int) -> float:
    """Return the 97.5 % point of Student's t distribution for `seeds` - 1 degrees of freedom.

    A mean over so many seeds ± this many standard errors is its 95 % confidence interval: 2.776 for 5 seeds. Found by
    halving an interval, with the distribution as a finite sum (Abramowitz and Stegun, Handbook of Mathematical
    Functions, 1964, equations 26.7.3 and 26.7.4).

    Raises:
        ValueError: there is not even one degree of freedom.
    """
    freedom = seeds - 1
    if freedom < 1:
        raise ValueError(f"an interval takes two seeds or more, not {seeds}")
    low, high = 0.0, 13.0  # the largest is 12.7, for two seeds
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """The probability that a value of Student's t distribution is between -t and t."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for k in range(2 + odd, freedom + 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (k - 1) / k
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def load_results(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Read the result file of a recipe.

    Args:
        name: of the recipe.
        folder: of the result files. Unless told otherwise, that to which runs write, then that which came with the
            course.

    Returns:
        What the file holds; each run's history is a `History`.

    Raises:
        FileNotFoundError: the recipe has not been run; the text says how to run it.
        ValueError: the file is damaged.
    """
    path = _find(f"{name}.json", folder)
    if path is None:
        raise FileNotFoundError(f"there are no results of {name!r}. Run it: python -m cnncourse.experiments run {name}")
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        for run in result["runs"]:
            run["history"] = History(run["history"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}). Delete it and run the recipe anew.") from error
    return result


def begin_results(
    name: str, recipe_settings: dict[str, Any], parameters: int, folder: Path | None = None
) -> dict[str, Any]:
    """Read the result file of a recipe, or return what a new one holds before the first run.

    Raises:
        ValueError: the file is damaged, or was written with other settings; names the first that differs.
    """
    path = _find(f"{name}.json", folder)
    if path is None:
        return {"recipe": name, "settings": recipe_settings, "parameters": parameters, "runs": []}
    result = load_results(name, folder)
    written = {**result["settings"], "parameters": result["parameters"]}
    now = {**recipe_settings, "parameters": parameters}
    for key in {**now, **written}:
        if written.get(key) != now.get(key):
            raise ValueError(
                f"{path} was written with other settings: {key} was {written.get(key)}, now it is {now.get(key)}. "
                "Delete the file to run the recipe anew; runs of different settings are not mixed."
            )
    return result


def add_run(
    name: str,
    recipe_settings: dict[str, Any],
    parameters: int,
    run: dict[str, Any],
    folder: Path | None = None,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Add a run to the result file of a recipe, as it is now: others may have written to it since it was read.

    Where the file has a run with this seed already, it stays as it is.

    Args:
        name, recipe_settings, parameters: as in `begin_results`.
        run: its row.
        folder: of the result files; that to which runs write unless told otherwise.
        weights: a file with the weights of this run, to be kept beside the result file where it is small.

    Returns:
        What stands in the result file now.
    """
    target = folder or settings.results_dir()
    with locked(target / ".runs" / f"{name}.lock"):
        result = begin_results(name, recipe_settings, parameters, folder)
        if run["seed"] not in (each["seed"] for each in result["runs"]):
            result["runs"] = sorted([*result["runs"], run], key=lambda each: each["seed"])
            if weights is not None and weights.stat().st_size <= LARGEST_WEIGHTS:
                write_whole(target / "weights" / f"{name}.pt", weights.read_bytes())
            write_results(target / f"{name}.json", result)
    return result


def write_results(path: Path, result: dict[str, Any]) -> None:
    """Write a result file, whole or not at all."""
    write_whole(path, json.dumps(result, indent=1) + "\n")


def _find(file: str, folder: Path | None) -> Path | None:
    """The place of a file of results; None where there is none."""
    folders = [settings.results_dir(), settings.files("recipes")] if folder is None else [folder]
    return next((each / file for each in folders if (each / file).exists()), None)


def machine(environment: dict[str, str]) -> str:
    """Name the processor or graphics card, and the version of PyTorch, that an environment tells of."""
    hardware = environment["cpu"] if environment["device"] == "cpu" else environment["device"]
    return f"{hardware}, PyTorch {environment['torch']}"


def summarise(name: str, folder: Path | None = None) -> Summary:
    """Summarise a recipe over its seeds, at the last epoch."""
    result = load_results(name, folder)
    runs = result["runs"]
    if not runs:
        raise ValueError(
            f"the result file of {name!r} holds no run. Run it: python -m cnncourse.experiments run {name}"
        )
    last = [run["history"][-1] for run in runs]
    test = [run["test"]["accuracy"] for run in runs]
    valid = [row["valid_accuracy"] for row in last]
    fastest = min(runs, key=_fastest_epoch)
    return Summary(
        recipe=name,
        parameters=result["parameters"],
        seeds=len(runs),
        epochs=last[0]["epoch"],
        test_accuracy=mean(test),
        test_deviation=stdev(test) if len(test) > 1 else math.nan,
        test_loss=mean(run["test"]["loss"] for run in runs),
        train_accuracy=mean(row["train_accuracy"] for row in last),
        valid_accuracy=mean(valid),
        valid_deviation=stdev(valid) if len(valid) > 1 else math.nan,
        fastest_epoch=_fastest_epoch(fastest),
        machine=machine(fastest["environment"]),
    )


def _fastest_epoch(run: dict[str, Any]) -> float:
    history: History = run["history"]
    return min(history.column("seconds"))


def weights_file(name: str, folder: Path | None = None) -> Path:
    """Return the file with the weights of a recipe's run with seed 0, for `cnncourse.checkpoint.load_weights`.

    Raises:
        FileNotFoundError: none is kept; the text names the recipes that have one.
    """
    path = _find(f"weights/{name}.pt", folder)
    if path is None:
        folders = {folder or settings.results_dir(), folder or settings.files("recipes")}
        kept = {file.stem for each in folders for file in (each / "weights").glob("*.pt")}
        raise FileNotFoundError(
            f"no weights of {name!r} are kept. Recipes with weights: {', '.join(sorted(kept)) or 'none'}."
        )
    return path


def corrupted(name: str, corruption: str, folder: Path | None = None) -> dict[float, list[float]]:
    """Return the accuracy of each seed of a recipe on the corrupted test split, by the amount of the corruption.

    Amount 0 is the test split as it is.

    Raises:
        ValueError: the recipe was not measured with this corruption; names those that it was.
    """
    runs = load_results(name, folder)["runs"]
    kinds = list(dict.fromkeys(row["corruption"] for run in runs for row in run.get("corrupted", [])))
    if corruption not in kinds:
        raise ValueError(f"{name} was not measured with {corruption!r}, but with {kinds or 'no corruption'}")
    accuracies: dict[float, list[float]] = {0: [run["test"]["accuracy"] for run in runs]}
    for run in runs:
        for row in run["corrupted"]:
            if row["corruption"] == corruption:
                accuracies.setdefault(row["amount"], []).append(row["accuracy"])
    return accuracies


def strangers(name: str) -> dict[str, Any]:
    """Return how a recipe's network reads the digits of people whom no network was trained on, as last measured.

    Returns:
        What `tools/measure_handwriting.py` wrote, accuracies as shares: "right" of all digits that show their label,
        its "interval" over writers, "slashed zero", "one with flag or foot", "the rest", "worst twentieth of writers",
        "calibration_error", "not_sure", "load_digits"; and of the measurement, "date", "digits" and "writers".

    Raises:
        ValueError: the network was not measured so; names those that were.
    """
    path = settings.files("handwriting") / "strangers.json"
    measurements = json.loads(path.read_text(encoding="utf8"))["measurements"] if path.exists() else []
    found = {
        network: {**numbers, **{key: measurement[key] for key in ("date", "digits", "writers")}}
        for measurement in measurements
        for network, numbers in measurement["networks"].items()
    }
    if name not in found:
        raise ValueError(f"{name} was not measured on strangers' digits, but {', '.join(found) or 'no other either'}")
    return found[name]


def compare(
    first: str,
    second: str,
    folder: Path | None = None,
    *,
    on: Literal["valid", "test"] = "valid",
    corruption: str = "",
    amount: float = 0,
) -> Difference:
    """Compare two recipes: the accuracy of the first minus that of the second, over the seeds that both have.

    Args:
        first, second: names of recipes.
        folder: of the result files, as in `load_results`.
        on: "valid", the validation part after the last epoch, on which one chooses; or "test", the test split, at
            which one looks when all is chosen.
        corruption, amount: with `on="test"`, on the test split corrupted so.

    Raises:
        ValueError: they share no seed, or were not measured so.
    """
    if on not in ("valid", "test"):
        raise ValueError(f'on must be "valid" or "test", not {on!r}')
    if corruption and on != "test":
        raise ValueError('only the test split was corrupted; to compare on it, say on="test"')

    def measured(name: str) -> dict[int, float]:
        runs = load_results(name, folder)["runs"]
        if on == "valid":
            return {run["seed"]: run["history"][-1]["valid_accuracy"] for run in runs}
        if not corruption:
            return {run["seed"]: run["test"]["accuracy"] for run in runs}
        by_amount = corrupted(name, corruption, folder)
        if amount not in by_amount:
            raise ValueError(f"{name} was measured with {corruption!r} of {list(by_amount)}, not of {amount}")
        return dict(zip([run["seed"] for run in runs], by_amount[amount], strict=True))

    accuracies = [measured(name) for name in (first, second)]
    shared = sorted(accuracies[0].keys() & accuracies[1].keys())
    if not shared:
        raise ValueError(f"{first} and {second} share no seed; a comparison is paired by seed")
    differences = [accuracies[0][seed] - accuracies[1][seed] for seed in shared]
    middle, half, p_value = mean(differences), math.inf, math.nan
    if len(shared) > 1:
        error = stdev(differences) / math.sqrt(len(shared))
        half = t_975(len(shared)) * error
        p_value = 1 - _within(abs(middle) / error, len(shared) - 1) if error else float(middle == 0)
    looked_at = "validation" if on == "valid" else "test"
    if corruption and amount:
        looked_at = f"test with {corruption} {amount:g}"
    return Difference(middle, middle - half, middle + half, len(shared), p_value, looked_at)


def table(*names: str, folder: Path | None = None, test: bool = False) -> Table:
    """Set recipes side by side: accuracies at the last epoch in per cent, mean ± standard deviation over the seeds.

    Args:
        names: of the recipes.
        folder: of the result files, as in `load_results`.
        test: whether to show the accuracy on the test split too, at which one looks when all is chosen.
    """
    rows = [["recipe", "parameters", "epochs", "seeds", "valid %", *(["test %"] if test else [])]]
    for name in names:
        summary = summarise(name, folder)
        row = [name, f"{summary.parameters:,}", str(summary.epochs), str(summary.seeds)]
        row.append(_percent(summary.valid_accuracy, summary.valid_deviation))
        if test:
            row.append(_percent(summary.test_accuracy, summary.test_deviation))
        rows.append(row)
    return Table(rows)


def _percent(middle: float, deviation: float) -> str:
    return f"{100 * middle:.2f}" + ("" if math.isnan(deviation) else f" ± {100 * deviation:.2f}")
