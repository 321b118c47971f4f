"""Sphinx extension: what `benchmarks/` measured, from the files in `results/benchmarks/`.

From `speed.json`, a table with a row for each ratio and a column for each network, and single numbers:

    ```{speed-table}
    ```

    {speed}`machine`   or threads, import_seconds, fit_megabytes

From `time_to_accuracy.json`, when each way to train reached the level, with a sentence that compares them; both
trainings epoch by epoch; where the time of a training step goes; and single numbers:

    ```{accuracy-table}
    ```
    ```{epoch-table}
    ```
    ```{step-table}
    ```

    {time-to-accuracy}`machine`   or threads, level, recipe, train, valid, textbook_epochs, course_epochs, workers,
                                  seeds, seeds_ratio
    {time-to-accuracy}`share textbook aten::bernoulli_`   the share of a step's time that an operator takes
    {time-to-accuracy}`loading textbook`   the share of the training that loading takes

From `pad.json`, how soon the drawing pad answers, with a row for each network, and where that was measured:

    ```{pad-table}
    ```

    {pad-speed}`machine`   or browser

A file that is missing is a build error.
"""

import json
from itertools import accumulate
from statistics import median

from common import MarkdownDirective, NumberRole, table

from cnncourse import settings
from cnncourse.experiments import machine

WAYS = ("textbook", "course")
OPERATORS = 8  # of each way have a row of their own


def load(env, name):
    path = settings.files("benchmarks") / f"{name}.json"
    env.note_dependency(str(path))
    if not path.is_file():
        raise ValueError(f"results/benchmarks/{name}.json is missing. Measure it: python benchmarks/{name}.py")
    return json.loads(path.read_text(encoding="utf8"))


def percent(fraction, digits=0):
    return f"{100 * fraction:.{digits}f} %"


def loading_share(step):
    return step["loading_us"] / (step["loading_us"] + step["step_us"])


class SpeedRole(NumberRole):
    def read(self, quantity):
        speed = load(self.env, "speed")
        return {
            "machine": machine(speed["environment"]),
            "threads": f"{speed['threads']}",
            "import_seconds": f"{speed['import_seconds']:.2f}",
            "fit_megabytes": f"{speed['fit_megabytes']:.0f}",
        }[quantity]


class PadSpeedRole(NumberRole):
    def read(self, quantity):
        result = load(self.env, "pad")
        return {"machine": machine(result["environment"]), "browser": result["environment"]["browser"]}[quantity]


class TimeToAccuracyRole(NumberRole):
    def read(self, quantity, way=None, operator=None):
        result = load(self.env, "time_to_accuracy")
        if quantity == "loading":
            return percent(loading_share(result["steps"][way]))
        if quantity == "share":
            return percent(result["steps"][way]["operators"][operator])
        return {
            "machine": machine(result["environment"]),
            "threads": f"{result['threads']}",
            "level": percent(result["level"], 1),
            "recipe": result["recipe"],
            "train": f"{result['images']['train']:,}",
            "valid": f"{result['images']['valid']:,}",
            "textbook_epochs": f"{result['epochs']['textbook']}",
            "course_epochs": f"{result['epochs']['course']}",
            "workers": f"{result['workers']['fastest']}",
            "seeds": f"{result['seeds']['number']}",
            "seeds_ratio": f"{result['seeds']['ratio']:.2f}",
        }[quantity]


class MeasuredDirective(MarkdownDirective):
    """A directive that becomes the Markdown of `measured(content of the file)`."""

    file = "time_to_accuracy"
    classes = ("results",)

    def lines(self):
        return self.measured(load(self.env, self.file))


class SpeedTable(MeasuredDirective):
    file = "speed"

    def measured(self, speed):
        cases = speed["cases"]
        names = next(iter(cases.values()))["ratios"]
        ratios = [case["ratios"] for case in cases.values()]
        rows = [[name, *(f"{each[name]:.2f}" if name in each else "not timed" for each in ratios)] for name in names]
        return table(["Time of … / time of …", *cases], rows)


class PadTable(MeasuredDirective):
    file = "pad"

    def measured(self, result):
        times = [[each[name] for name in ("milliseconds", "painted")] for each in result["rows"]]
        rows = [
            [
                f"`{each['network']}`",
                *(f"{drawn[key]:.1f}" for key in ("median", "percentile_90")),
                f"{painted['median']:.1f}",
                each["updates"],
            ]
            for each, (drawn, painted) in zip(result["rows"], times, strict=True)
        ]
        return table(["Network", "Median, ms", "90th percentile, ms", "Until painted, median, ms", "Updates"], rows)


class AccuracyTable(MeasuredDirective):
    def measured(self, result):
        level, times = percent(result["level"], 1), result["times"]
        rows = [
            [
                way,
                times[way]["epoch"] if times[way]["reached"] else f"not in {times[way]['epoch']} epochs",
                f"{times[way]['seconds']:.0f}" if times[way]["reached"] else f"more than {times[way]['seconds']:.0f}",
                f"{median(epoch['seconds'] for epoch in result['histories'][way]):.1f}",
                percent(max(epoch["valid_accuracy"] for epoch in result["histories"][way]), 2),
            ]
            for way in WAYS
        ]
        head = ["Way", f"{level} in epoch", "Seconds until then", "Seconds an epoch, median", "Best seen"]
        return [*table(head, rows), "", self.comparison(times, level)]

    def comparison(self, times, level):
        if times["ratio"] is None:
            return f"The course's way did not get to {level}, so there is no ratio of times."
        if times["lower_bound"]:
            return (
                f"The textbook way took **more than {times['ratio']:.1f} times** as long: "
                f"it had not got to {level} when it ended."
            )
        return f"The textbook way took **{times['ratio']:.1f} times** as long to {level}."


class EpochTable(MeasuredDirective):
    def measured(self, result):
        histories = [result["histories"][way] for way in WAYS]
        columns = []
        for history in histories:
            columns.append([percent(epoch["valid_accuracy"], 2) for epoch in history])
            columns.append([f"{seconds:.0f}" for seconds in accumulate(epoch["seconds"] for epoch in history)])
        epochs = range(max(map(len, histories)))
        rows = [[i + 1, *(column[i] if i < len(column) else "" for column in columns)] for i in epochs]
        head = ["Epoch", *(f"{way}: {name}" for way in WAYS for name in ("accuracy", "seconds so far"))]
        return ["````{dropdown} Both trainings, epoch by epoch", *table(head, rows), "````"]


class StepTable(MeasuredDirective):
    def measured(self, result):
        steps = [result["steps"][way] for way in WAYS]
        shares = [step["operators"] for step in steps]
        largest = {name for share in shares for name in sorted(share, key=share.get, reverse=True)[:OPERATORS]}
        names = sorted(largest, key=lambda name: max(share.get(name, 0) for share in shares), reverse=True)
        rows = [
            ["Loading, µs an image", *(f"{step['loading_us']:.0f}" for step in steps)],
            ["Training step, µs an image", *(f"{step['step_us']:.0f}" for step in steps)],
            *([f"Of the step: `{name}`", *(percent(share.get(name, 0), 1) for share in shares)] for name in names),
            ["Of the step: all else", *(percent(1 - sum(share.get(n, 0) for n in names), 1) for share in shares)],
        ]
        return table(["Time of", *WAYS], rows)


def setup(app):
    app.add_role("speed", SpeedRole())
    app.add_role("time-to-accuracy", TimeToAccuracyRole())
    app.add_role("pad-speed", PadSpeedRole())
    app.add_directive("speed-table", SpeedTable)
    app.add_directive("pad-table", PadTable)
    app.add_directive("accuracy-table", AccuracyTable)
    app.add_directive("epoch-table", EpochTable)
    app.add_directive("step-table", StepTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
