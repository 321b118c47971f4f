"""Running a recipe: one run for each seed, each run's row into the result file as it ends.

Every run trains with its seed on the training part, watches the validation part, and looks at the test split once,
after the last epoch. A run that was stopped goes on from its last finished epoch. The weights of seed 0 are kept beside
the result file, in `weights/NAME.pt`, where they are small.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse import settings
from cnncourse._model import count_parameters
from cnncourse.data import CLASSES, STATISTICS, Loader, Preprocessing, load
from cnncourse.experiments.results import begin_results, write_results
from cnncourse.train import default_device, evaluate, fit

LARGEST_WEIGHTS = 1_000_000  # bytes of a file that the course carries along


class Corruption(NamedTuple):
    """A change to the test images, to measure a network on.

    Attributes:
        name: of the kind, for example "noise".
        amount: how much of it, in the unit of its functions.
        functions: of a batch, one after the other.
    """

    name: str
    amount: float
    functions: tuple[Callable[[Tensor], Tensor], ...]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that a run needs beside its seed.

    Attributes:
        data: the data set's name.
        model, optimizer, scheduler: make the part; a scheduler gets the optimizer and the number of steps.
        augment: functions of a batch, one after the other.
        image_size: resize the images to this many pixels, where the model wants another size than the data has.
        valid_fraction: the share of the training images that is kept for validation, the same images in every run.
        corruptions: the trained network is also measured on the test split corrupted by each of these, the same
            corrupted images in every run.
    """

    data: str
    model: Callable[[], nn.Module]
    batch_size: int
    epochs: int
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    scheduler: Callable[[Optimizer, int], LRScheduler] | None = None
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy
    augment: tuple[Callable[[Tensor], Tensor], ...] = ()
    image_size: int | None = None
    valid_fraction: float = 0.2
    corruptions: tuple[Corruption, ...] = ()

    def settings(self) -> dict:
        """The recipe as plain values, as a result file keeps it."""
        return {field.name: _describe(getattr(self, field.name)) for field in fields(self)}

    @property
    def preprocessing(self) -> Preprocessing:
        """How the images of the recipe's model are prepared; for a data set that `load` knows."""
        mean, std = STATISTICS[self.data]
        return Preprocessing(CLASSES[self.data], mean, std, self.model().input_shape[1:])


def run(name: str, recipe: Recipe, seeds: int = 5, folder: Path | None = None) -> dict:
    """Run the seeds 0, 1, … of a recipe that its result file lacks; on a CPU side by side, one thread each.

    Args:
        name: of the recipe, which is the name of its result file.
        recipe: what to run.
        seeds: how many seeds the result file shall have at least.
        folder: of the result files; the course's own unless told otherwise. Unfinished runs are kept beside it.

    Returns:
        What stands in the result file.

    Raises:
        ValueError: the result file was written with other settings, or the bundled sample's results would go among
            the course's own.
    """
    folder = (folder or settings.files("recipes")).resolve()
    described = recipe.settings()
    if settings.quick():
        if folder == settings.files("recipes").resolve():
            raise ValueError(
                "CNNCOURSE_QUICK is set, and results of the bundled sample do not belong among those of the full data. "
                "Unset it, or choose another folder: --results FOLDER."
            )
        described["data"] += " (bundled sample)"
    path = folder / f"{name}.json"
    parameters = count_parameters(recipe.model())
    result = begin_results(path, described, parameters, environment())
    missing = [seed for seed in range(seeds) if seed not in {run["seed"] for run in result["runs"]}]
    if not missing:
        print(f"{name}: all {seeds} runs are there")
        return result

    load(recipe.data, "train")  # here, so that not every process downloads it
    fingerprint = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:8]
    unfinished = folder.parent / ".runs" / f"{name}-{fingerprint}"
    unfinished.mkdir(parents=True, exist_ok=True)
    workers = min(os.cpu_count() or 1, len(missing)) if default_device().type == "cpu" else 1
    os.environ["TQDM_DISABLE"] = "1"  # the bars of several processes would write over each other
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        # A seed is handed over when a worker is free, so that after Ctrl-C none is left that would begin.
        rest = iter(missing)
        running = {pool.submit(_run_logged, recipe, seed, unfinished) for seed in islice(rest, workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                row = future.result()
                result["runs"] = sorted([*result["runs"], row], key=lambda run: run["seed"])
                if row["seed"] == 0:
                    _keep_weights(unfinished / "seed-0.weights.pt", folder / "weights" / f"{name}.pt")
                write_results(path, result)
                for left in unfinished.glob(f"seed-{row['seed']}.*pt"):
                    left.unlink()
                seconds = sum(epoch["seconds"] for epoch in row["history"])
                accuracy = f"{row['test']['accuracy']:.2%} of the test images"
                print(f"{name}, seed {row['seed']}: {accuracy}, {seconds:.0f} s", flush=True)
                running |= {pool.submit(_run_logged, recipe, seed, unfinished) for seed in islice(rest, 1)}
    return result


def run_seed(recipe: Recipe, seed: int, folder: Path) -> dict:
    """Run one seed of a recipe, keeping its state in `folder`, and return the row of the result file."""
    device = default_device()
    train, test = load(recipe.data, "train"), load(recipe.data, "test")
    if recipe.image_size is not None:
        train, test = train.resize(recipe.image_size), test.resize(recipe.image_size)
    train, valid = train.split(recipe.valid_fraction, seed=0)

    torch.manual_seed(seed)
    model = recipe.model().to(device)
    loader = Loader(train, recipe.batch_size, shuffle=True, augment=one_after_the_other(recipe.augment), device=device)
    optimizer = recipe.optimizer(model.parameters())
    scheduler = recipe.scheduler and recipe.scheduler(optimizer, recipe.epochs * len(loader))
    history = fit(
        model,
        loader,
        Loader(valid, 1000, device=device),
        optimizer=optimizer,
        epochs=recipe.epochs,
        scheduler=scheduler,
        loss_function=recipe.loss_function,
        checkpoint=folder / f"seed-{seed}.pt",
    )
    if len(history) < recipe.epochs:
        raise KeyboardInterrupt
    torch.save(model.state_dict(), folder / f"seed-{seed}.weights.pt")
    row = {"seed": seed, "history": list(history), "test": evaluate(model, Loader(test, 1000, device=device))._asdict()}
    if recipe.corruptions:
        row["corrupted"] = []
    for name, amount, functions in recipe.corruptions:
        torch.manual_seed(0)
        metrics = evaluate(model, Loader(test, 1000, augment=one_after_the_other(functions), device=device))
        row["corrupted"].append({"corruption": name, "amount": amount, **metrics._asdict()})
    return row


def one_after_the_other(functions: tuple[Callable, ...]) -> Callable[[Tensor], Tensor] | None:
    """The functions of a recipe's `augment` as one, as `Loader` takes it; None where there is none."""

    def augment(images: Tensor) -> Tensor:
        for function in functions:
            images = function(images)
        return images

    return augment if functions else None


def environment() -> dict[str, str]:
    """What a run depends on beside its recipe: versions and hardware."""
    device = default_device()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
    }


def _keep_weights(path: Path, kept: Path) -> None:
    if path.stat().st_size <= LARGEST_WEIGHTS:
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, kept)


def _run_logged(recipe: Recipe, seed: int, folder: Path) -> dict:
    with (folder / f"seed-{seed}.log").open("a") as log, contextlib.redirect_stdout(log):
        return run_seed(recipe, seed, folder)


def _describe(value: object) -> object:
    """A setting as a plain value: a class or function by its name, with the arguments that a partial gives it."""
    if isinstance(value, partial):
        arguments = [f"{_describe(argument)}" for argument in value.args]
        arguments += [f"{key}={_describe(argument)}" for key, argument in value.keywords.items()]
        return f"{value.func.__name__}({', '.join(arguments)})"
    if isinstance(value, tuple):
        return [_describe(item) for item in value]
    return getattr(value, "__name__", value)


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
