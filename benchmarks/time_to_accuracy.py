"""How long a training takes to 99.4 % of the validation images, two ways on one CPU: `make benchmark`.

The ways are those of `ways.py`: textbook and course. They train on the same images, in turns, an epoch each, so that a
machine that slows down for a while slows both. An epoch's seconds include its validation. It also measures where the
time of a training step goes, and what is gained by seeds that run side by side.

Run it with nothing else running. It writes `results/benchmarks/time_to_accuracy.json`; stopped, it goes on where it
was.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from ways import PilImages, course_epoch, textbook_epoch
from where_time_goes import time_seeds, time_steps, time_workers

from cnncourse import settings
from cnncourse._memory import keep_memory
from cnncourse.data import load
from cnncourse.experiments.recipes import RECIPES
from cnncourse.experiments.results import write_results
from cnncourse.experiments.runs import Recipe, environment


def time_to(history: list[dict], level: float) -> dict:
    """The first epoch whose validation accuracy is at least `level`, and the seconds up to its end.

    Where no epoch is, the last one and all seconds.
    """
    seconds = 0
    for row in history:
        seconds += row["seconds"]
        if row["valid_accuracy"] >= level:
            return {"reached": True, "epoch": row["epoch"], "seconds": seconds}
    return {"reached": False, "epoch": len(history), "seconds": seconds}


def race(ways: dict[str, tuple[int, Callable]], level: float, folder: Path) -> dict[str, list]:
    """Train in turns until each way has reached the level or its last epoch.

    Args:
        ways: for each name the number of epochs, and what trains an epoch: see `textbook_epoch`.
        level: of the validation accuracy.
        folder: keeps a checkpoint of each way; a race that was stopped goes on from them.
    """
    files = {name: folder / f"{name}.pt" for name in ways}
    histories = {name: torch.load(file)["history"] if file.exists() else [] for name, file in files.items()}
    while running := [
        name for name in ways if len(histories[name]) < ways[name][0] and not time_to(histories[name], level)["reached"]
    ]:
        name = min(running, key=lambda name: len(histories[name]))
        _, train_epoch = ways[name]
        histories[name] = train_epoch(epoch=len(histories[name]) + 1, checkpoint=files[name])
        row = histories[name][-1]
        print(f"{name}, epoch {row['epoch']}: {row['valid_accuracy']:.2%}, {row['seconds']:.1f} s", flush=True)
    return histories


def compare(histories: dict[str, list], level: float) -> dict:
    """When each way reached the level, and how many times as long the textbook way took.

    The ratio is a lower bound where the textbook way did not get there, and None where the course did not.
    """
    times = {name: time_to(history, level) for name, history in histories.items()}
    ratio = times["textbook"]["seconds"] / times["course"]["seconds"] if times["course"]["reached"] else None
    return {**times, "ratio": ratio, "lower_bound": not times["textbook"]["reached"]}


def once(file: Path, measure: Callable):
    """What `measure()` returns, kept in a file, so that a run that goes on does not measure it again."""
    if not file.exists():
        write_results(file, measure())
    return json.loads(file.read_text())


def measure(recipe: Recipe, epochs: int, level: float, folder: Path) -> dict:
    """All that the result file holds beside the environment; `folder` keeps what is done."""
    keep_memory()  # Loader asks for it too; so it helps the textbook way from the first step on
    images = load(recipe.data, "train")
    train, valid = images.split(recipe.valid_fraction, seed=0)
    textbook_train, textbook_valid = PilImages(train, augment=True), PilImages(valid, augment=False)
    batches, rounds, seed_epochs = (3, 1, 1) if settings.quick() else (100, 3, 2)

    workers = once(folder / "workers.json", partial(time_workers, textbook_train, batches, rounds))
    print(f"textbook: seconds of {batches} steps by number of workers: {workers}")
    steps = once(folder / "steps.json", partial(time_steps, recipe, textbook_train, train, batches))
    print(f"course: {steps['course']['step_us']:.0f} µs an image, textbook: {steps['textbook']['step_us']:.0f}")
    seeds = once(folder / "seeds.json", partial(time_seeds, replace(recipe, epochs=seed_epochs), rounds))
    print(f"seconds of the seeds: {seeds}")
    fastest = int(min(workers, key=workers.get))
    ways = {
        "textbook": (epochs, partial(textbook_epoch, textbook_train, textbook_valid, epochs, fastest)),
        "course": (recipe.epochs, partial(course_epoch, recipe, train, valid)),
    }
    histories = race(ways, level, folder)
    return {
        "images": {"train": len(train), "valid": len(valid)},
        "workers": {"seconds": workers, "fastest": fastest},
        "steps": steps,
        "seeds": {
            "number": os.cpu_count(),
            "rounds": seeds,
            "ratio": median(row["one_after_the_other"] / row["side_by_side"] for row in seeds),
        },
        "epochs": {name: epochs for name, (epochs, _) in ways.items()},
        "histories": histories,
        "times": compare(histories, level),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=RECIPES, default="digitnet-best", help="of the course's way")
    parser.add_argument("--course-epochs", type=int, default=10, help="of the course's way (default: 10)")
    parser.add_argument("--epochs", type=int, default=15, help="of the textbook way (default: 15)")
    parser.add_argument("--level", type=float, default=0.994, help="validation accuracy to reach (default: 0.994)")
    parser.add_argument("--folder", type=Path, default=settings.files("benchmarks"), help="of the result file")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    if settings.quick() and folder == settings.files("benchmarks").resolve():
        sys.exit("CNNCOURSE_QUICK is set: choose another folder for the sample's result, --folder FOLDER.")

    recipe = RECIPES[options.recipe]
    # Both ways have the same 12,000 images for validation, also where a recipe has fewer.
    recipe = replace(recipe, epochs=options.course_epochs, valid_fraction=0.2)
    result = {"environment": environment(), "threads": torch.get_num_threads()}
    result |= {"recipe": options.recipe, "settings": recipe.settings()}
    fingerprint = hashlib.sha256(json.dumps([result, options.epochs, settings.quick()]).encode()).hexdigest()[:8]
    unfinished = folder.parent / ".runs" / f"time-to-accuracy-{fingerprint}"
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        result |= {"level": options.level} | measure(recipe, options.epochs, options.level, unfinished)
    except KeyboardInterrupt:
        sys.exit("Stopped. What is done is kept: the same command goes on from there.")
    write_results(folder / "time_to_accuracy.json", result)
    shutil.rmtree(unfinished)
    print(json.dumps(result["times"], indent=1))


if __name__ == "__main__":
    main()
