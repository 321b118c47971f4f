"""Where the time of a training goes: loading, operators, and seeds side by side.

The ways are those of `time_to_accuracy.py`; both load their images in the training process, so that nothing is hidden.
It writes `results/benchmarks/where_time_goes.json`.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from benchmarks.time_to_accuracy import BATCH_SIZE, course_parts, textbook_images, textbook_parts, textbook_step
from benchmarks.timing import Batches, write
from cnncourse._memory import keep_memory
from cnncourse.data import ImageSet, load
from cnncourse.experiments import RECIPES, Recipe, run, run_seed
from cnncourse.train import loss_batch

LARGEST = 8  # operators of each way have a row of their own


def time_step(batches: Batches, step: Callable, number: int) -> dict:
    """Microseconds an image for loading and for a training step, and each operator's share of the step's time."""
    loading, training = [], []
    end = time.perf_counter()
    for images, labels in islice(batches, number):
        loaded = time.perf_counter()
        step(images, labels)
        loading.append(loaded - end)
        end = time.perf_counter()
        training.append(end - loaded)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(number):
            step(images, labels)
    own = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    load_us, step_us = (1e6 * median(seconds) / len(labels) for seconds in (loading, training))
    return {
        "loading_us": load_us,
        "step_us": step_us,
        "loading_share": load_us / (load_us + step_us),
        "operators": {name: microseconds / sum(own.values()) for name, microseconds in own.items()},
    }


def time_steps(recipe: Recipe, images: ImageSet, number: int) -> dict[str, dict]:
    """Where the time goes in both ways."""
    model, optimizer, _ = textbook_parts(number)
    loader = DataLoader(textbook_images(images), BATCH_SIZE, shuffle=True)
    textbook = time_step(loader, partial(textbook_step, model, optimizer), number)
    loader, model, optimizer, _ = course_parts(recipe, images)
    step = partial(loss_batch, model, optimizer=optimizer, loss_function=recipe.loss_function)
    return {"textbook": textbook, "course": time_step(loader, step, number)}


def largest_operators(shares: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The operators that take most of a step's time, the largest first, with their share in each way."""
    chosen = {name for share in shares.values() for name in sorted(share, key=share.get, reverse=True)[:LARGEST]}
    names = sorted(chosen, key=lambda name: max(share.get(name, 0) for share in shares.values()), reverse=True)
    return {name: {way: share.get(name, 0) for way, share in shares.items()} for name in names}


def time_seeds(recipe: Recipe) -> float:
    """How many times as long as side by side as many seeds as there are cores take one after the other.

    Only epochs are counted, not the start of the processes, which a recipe's epochs make small. One after the other
    means one seed with all threads, times the number of seeds.
    """
    cores, context = os.cpu_count() or 1, multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        runs = run("side-by-side", recipe, seeds=cores, folder=Path(folder) / "results")["runs"]
        with ProcessPoolExecutor(1, context, torch.set_num_threads, (torch.get_num_threads(),)) as process:
            alone = process.submit(run_seed, recipe, 0, Path(folder)).result()

    def seconds(run: dict) -> float:
        return sum(epoch["seconds"] for epoch in run["history"])

    return cores * seconds(alone) / max(map(seconds, runs))


def measure(recipe: Recipe, number: int) -> dict:
    """All that the result file holds beside where it was measured; `number` steps of each way are timed."""
    steps = time_steps(recipe, load(recipe.data, "train"), number)
    operators = largest_operators({way: step.pop("operators") for way, step in steps.items()})
    return {
        "steps": steps,
        "operators": operators,
        "seeds": {"number": os.cpu_count(), "ratio": time_seeds(replace(recipe, epochs=1))},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50, help="of each way")
    keep_memory()
    write("where_time_goes", measure(replace(RECIPES["digitnet-best"], valid_fraction=0.2), parser.parse_args().steps))


if __name__ == "__main__":
    main()
