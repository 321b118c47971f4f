"""Where the time of a training goes, measured for `time_to_accuracy.py`: workers, loading, operators, seeds."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset, Subset
from ways import BATCH_SIZE, course_loader, course_parts, textbook_parts, textbook_step

from cnncourse.data import ImageSet
from cnncourse.experiments.runs import Recipe, run, run_seed
from cnncourse.train import loss_batch


def time_workers(train: Dataset, batches: int, rounds: int) -> dict[str, float]:
    """Seconds of some textbook training steps by the DataLoader's number of workers: the median over rounds."""
    part = Subset(train, range(batches * BATCH_SIZE))
    times = {workers: [] for workers in sorted({0, 1, os.cpu_count()})}
    model, optimizer, _ = textbook_parts(batches)
    for _ in range(rounds):
        for workers, seconds in times.items():
            start = time.perf_counter()
            for images, labels in DataLoader(part, BATCH_SIZE, shuffle=True, num_workers=workers):
                textbook_step(model, optimizer, images, labels)
            seconds.append(time.perf_counter() - start)
    return {str(workers): median(seconds) for workers, seconds in times.items()}


def time_step(loader, step: Callable, batches: int) -> dict:
    """Microseconds an image for loading and for a training step, and each operator's share of the step's time."""
    loading, training = [], []
    end = time.perf_counter()
    for images, labels in islice(loader, batches):
        loaded = time.perf_counter()
        step(images, labels)
        loading.append(loaded - end)
        end = time.perf_counter()
        training.append(end - loaded)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(batches):
            step(images, labels)
    own = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    return {
        "loading_us": 1e6 * median(loading) / len(labels),
        "step_us": 1e6 * median(training) / len(labels),
        "operators": {name: own[name] / sum(own.values()) for name in sorted(own, key=own.get, reverse=True)},
    }


def time_steps(recipe: Recipe, textbook: Dataset, course: ImageSet, batches: int) -> dict:
    """Where the time goes in both ways, when the textbook way loads its images itself, without workers."""
    model, optimizer, _ = textbook_parts(batches)
    step = partial(textbook_step, model, optimizer)
    by_textbook = time_step(DataLoader(textbook, BATCH_SIZE, shuffle=True), step, batches)
    model, optimizer, _ = course_parts(recipe, batches)
    step = partial(loss_batch, model, optimizer=optimizer, loss_function=recipe.loss_function)
    return {"textbook": by_textbook, "course": time_step(course_loader(recipe, course), step, batches)}


def time_seeds(recipe: Recipe, rounds: int) -> list[dict]:
    """Seconds of as many seeds as there are cores, side by side and one after the other, for each round.

    Only epochs are counted, not the start of the processes, which 15 epochs make small. One after the other means one
    seed with all threads, times the number of seeds.
    """
    cores, context = os.cpu_count(), multiprocessing.get_context("spawn")
    threads, times = torch.get_num_threads(), []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            runs = run("side-by-side", recipe, seeds=cores, folder=Path(folder) / "results")["runs"]
            with ProcessPoolExecutor(1, context, torch.set_num_threads, (threads,)) as process:
                alone = process.submit(run_seed, recipe, 0, Path(folder)).result()
        side_by_side = max(seconds(row) for row in runs)
        times.append({"side_by_side": side_by_side, "one_after_the_other": cores * seconds(alone)})
    return times


def seconds(run: dict) -> float:
    return sum(epoch["seconds"] for epoch in run["history"])
