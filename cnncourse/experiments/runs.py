"""Running a recipe: one run for each seed, each run's row into the result file as it ends.

Every run trains with its seed on the training part and watches the validation part. After the last epoch it fits the
temperature of its probabilities on the validation part, and the probability below which an answer is called not sure:
that of 1 in 100 validation images. Then it looks at the test split, once. A run that was stopped goes on from its last
finished epoch. The weights of seed 0 are kept beside the result file, in `weights/NAME.pt`, where they are small.
"""

import contextlib
import hashlib
import io
import json
import os
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse import settings
from cnncourse._files import write_whole
from cnncourse._model import count_parameters
from cnncourse._text import by, printable
from cnncourse.analysis import fit_temperature
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Loader, Preprocessing, load
from cnncourse.data._sources import SETS, check_names
from cnncourse.experiments._describe import describe
from cnncourse.experiments._workers import workers
from cnncourse.experiments.results import add_run, begin_results
from cnncourse.train import default_device, evaluate, fit, predict

Pair = tuple[ImageSet, ImageSet]
UNSURE = 0.01  # of the validation images: to so many a network need not give a sure answer


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
        data: the name of a data set that `load` knows; or your own images for training and for the test, as a pair of
            `ImageSet`s or a function that returns such a pair. All are normalised as the training images are.
        model, optimizer, scheduler: make the part; a scheduler gets the optimizer and the number of steps.
        augment: functions of a batch, one after the other.
        image_size: resize the images to this many pixels, where the model wants another size than the data has.
        valid_fraction: the share of the training images that is kept for validation, the same images in every run.
        corruptions: the trained network is also measured on the test split corrupted by each of these, the same
            corrupted images in every run.
        extra: functions, usually `functools.partial`s, each of which gives further images for training alone, of the
            data's classes and, once resized, shape. They come to the training part when it has been split, are prepared
            as it is, and never are among those of validation or test; so make none from images of those. In quick mode
            as small a share of them is taken, at random, as the bundled sample is of the data.
    """

    data: str | Pair | Callable[[], Pair]
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
    extra: tuple[Callable[[], ImageSet], ...] = ()

    def __post_init__(self) -> None:
        for name in ("model", "optimizer", "scheduler"):
            part = getattr(self, name)
            if isinstance(part, nn.Module | Optimizer | LRScheduler) or not (callable(part) or part is None):
                raise ValueError(
                    f"{name} must make a new one for each seed: give its class, a partial of it or a function, "
                    f"not {type(part).__name__!r} itself"
                )
        for name in ("augment", "corruptions", "extra"):
            if not isinstance(getattr(self, name), tuple | list):
                raise ValueError(f"{name} must be a tuple, also where it has one part: ({name},)")
        for part in self.extra:
            if not callable(part):
                raise ValueError(f"extra must be functions that give images, not {type(part).__name__!r} itself")

    def settings(self) -> dict[str, Any]:
        """Return the recipe as plain values, as a result file keeps it; your own images as a fingerprint.

        Without extra images nothing is said of them, as in the result files from before there were any.

        Raises:
            ValueError: a setting can't be told from others of its kind.
        """
        described = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "extra" and not value:
                continue
            if field.name == "data" and not isinstance(value, str):
                value = self._pair()
            try:
                described[field.name] = describe(value)
            except ValueError as error:
                raise ValueError(f"{field.name}: {error}") from error
        return described

    def images(self) -> Pair:
        """Load the training images and the test split, at the recipe's size.

        Raises:
            ValueError: there is no such data set, or your own images do not belong together.
            SourceError: the data set can't be had.
        """
        train, test = self._pair()
        if self.image_size is not None:
            train, test = train.resize(self.image_size), test.resize(self.image_size)
        return train, test

    def with_extra(self, train: ImageSet) -> ImageSet:
        """Return the training part with the extra images behind it, prepared as it is.

        Raises:
            ValueError: what a function gives are no images, or they do not fit the training part; says which and why.
        """
        parts = [train]
        for number, make in enumerate(self.extra, 1):
            images = make()
            if not isinstance(images, ImageSet):
                raise ValueError(f"extra: function {number} must give an ImageSet, not {type(images).__name__!r}")
            if images.split_name != "train":
                raise ValueError(
                    f"extra: function {number} gives images of the {images.split_name} split, and one trains on others"
                )
            if images.classes != train.classes:
                raise ValueError(
                    f"extra: the images of function {number} have the classes {', '.join(images.classes)}, the data "
                    f"{', '.join(train.classes)}; they must be the same, in the same order"
                )
            if self.image_size is not None:
                images = images.resize(self.image_size)
            shapes = [by(each.images.shape[1:]) for each in (images, train)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f"extra: the images of function {number} are {shapes[0]}, those of the data {shapes[1]}"
                )
            if isinstance(self.data, str) and settings.quick():
                share = len(train) / ((1 - self.valid_fraction) * SETS[self.data]["train"].shape[0])
                order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
                images = images.subset(order[: max(1, round(share * len(images)))])
            parts.append(images)
        tensors = ([part.images for part in parts], [part.labels for part in parts])
        return replace(train, images=torch.cat(tensors[0]), labels=torch.cat(tensors[1]))

    @property
    def preprocessing(self) -> Preprocessing:
        """How the images of the recipe's model are prepared.

        Raises:
            ValueError: there is no such data set, or your own images do not belong together.
        """
        if not isinstance(self.data, str):
            return self.images()[0].preprocessing
        check_names(self.data)
        height, width = SETS[self.data]["train"].shape[2:]
        size = (height, width) if self.image_size is None else (self.image_size, self.image_size)
        return Preprocessing(CLASSES[self.data], *STATISTICS[self.data], size)

    def _pair(self) -> Pair:
        if isinstance(self.data, str):
            return load(self.data, "train"), load(self.data, "test")
        pair = self.data() if callable(self.data) else self.data
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(each, ImageSet) for each in pair)):
            raise ValueError("a recipe's own data are two ImageSets, for training and for the test, or give them")
        train, test = pair
        if train.classes != test.classes:
            raise ValueError(
                f"the training images have the classes {', '.join(train.classes)}, "
                f"the test images {', '.join(test.classes)}; they must be the same, in the same order"
            )
        if train.images.shape[1:] != test.images.shape[1:]:
            shapes = [list(each.images.shape[1:]) for each in (train, test)]
            raise ValueError(f"training and test images must have the same shape, not {shapes[0]} and {shapes[1]}")
        return train, replace(test, mean=train.mean, std=train.std)


def run(name: str, recipe: Recipe, seeds: int = 5, folder: Path | None = None) -> dict[str, Any]:
    """Run the seeds 0, 1, … of a recipe that its result file lacks; on a CPU side by side, one thread each.

    Any number of processes and machines may run the same recipe into the same folder: what each finishes is added to
    the file, and of two runs with the same seed the first is kept.

    Args:
        name: of the recipe, which is the name of its result file.
        recipe: what to run. What other processes can't load, such as a model that is defined in a notebook, is run in
            this one.
        seeds: how many seeds the result file shall have at least.
        folder: of the result files. Unless told otherwise the course's own in a clone, else `results/recipes` in the
            current folder. Unfinished runs are kept in it, in `.runs`.

    Returns:
        What stands in the result file.

    Raises:
        ValueError: the result file was written with other settings, a setting can't be described, or the bundled
            sample's results would go among the course's own.
        ChildProcessError: a run's process was ended from outside.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"a recipe's name is that of its file, without a folder; {name!r} is none")
    if seeds < 1:
        raise ValueError(f"a recipe needs one seed or more, not {seeds}")
    target = (folder or settings.results_dir()).resolve()
    described = recipe.settings()
    if settings.quick() and isinstance(recipe.data, str):
        if target == settings.results_dir().resolve():
            raise ValueError(
                "CNNCOURSE_QUICK is set, and results of the bundled sample do not belong among those of the full data. "
                "Unset it, or choose another folder: --results FOLDER."
            )
        described["data"] += " (bundled sample)"
    with torch.random.fork_rng([]):
        parameters = count_parameters(recipe.model())
    result = begin_results(name, described, parameters, folder)
    missing = [seed for seed in range(seeds) if seed not in {run["seed"] for run in result["runs"]}]
    if not missing:
        print(printable(f"{name}: all {seeds} runs are there"))
        return result

    if isinstance(recipe.data, str):
        load(recipe.data, "train")  # here, so that not every process downloads it
    fingerprint = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:8]
    unfinished = target / ".runs" / f"{name}-{fingerprint}"
    unfinished.mkdir(parents=True, exist_ok=True)
    with workers(recipe, len(missing)) as (pool, number):
        # A seed is handed over when a worker is free, so that after Ctrl-C none is left that would begin.
        rest = iter(missing)
        running = {pool.submit(_run_logged, recipe, seed, unfinished) for seed in islice(rest, number)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    row = future.result()
                except BrokenProcessPool as error:
                    raise ChildProcessError(
                        "the process of a run was ended from outside, perhaps because memory was short. The finished "
                        "epochs are kept: run the recipe again, and it goes on from there."
                    ) from error
                seed = row["seed"]
                weights = unfinished / "seed-0.weights.pt" if seed == 0 else None
                result = add_run(name, described, parameters, row, folder, weights)
                for left in unfinished.glob(f"seed-{seed}.*pt"):
                    with contextlib.suppress(OSError):  # another process that runs this seed too is at it
                        left.unlink()
                seconds = sum(row["history"].column("seconds"))
                accuracy = f"{row['test']['accuracy']:.2%} of the test images"
                print(printable(f"{name}, seed {seed}: {accuracy}, {seconds:.0f} s"), flush=True)
                running |= {pool.submit(_run_logged, recipe, seed, unfinished) for seed in islice(rest, 1)}
    return result


def run_seed(recipe: Recipe, seed: int, folder: Path) -> dict[str, Any]:
    """Run one seed of a recipe, keeping its state in `folder`, and return the row of the result file."""
    device = default_device()
    train, test = recipe.images()
    train, valid = train.split(recipe.valid_fraction, seed=0)
    train = recipe.with_extra(train)

    torch.manual_seed(seed)
    model = recipe.model().to(device)
    loader = Loader(train, recipe.batch_size, shuffle=True, augment=recipe.augment, device=device)
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
    weights = io.BytesIO()
    torch.save(model.state_dict(), weights)
    write_whole(folder / f"seed-{seed}.weights.pt", weights.getvalue())
    row: dict[str, Any] = {"seed": seed, "environment": environment(), "history": history}
    row |= _confidence(model, Loader(valid, 1000, device=device), valid.labels)
    row["test"] = evaluate(model, Loader(test, 1000, device=device))._asdict()
    if recipe.corruptions:
        row["corrupted"] = []
    for name, amount, functions in recipe.corruptions:
        torch.manual_seed(0)
        metrics = evaluate(model, Loader(test, 1000, augment=functions, device=device))
        row["corrupted"].append({"corruption": name, "amount": amount, **metrics._asdict()})
    return row


def _confidence(model: nn.Module, loader: Loader, labels: Tensor) -> dict[str, float]:
    """The temperature that suits the validation images best, and the probability that `UNSURE` of them stay below."""
    logits = predict(model, loader).clamp(min=1e-38).log()
    temperature = fit_temperature(logits, labels)
    confidence = (logits / temperature).softmax(dim=1).amax(dim=1)
    return {"temperature": temperature, "sure": confidence.quantile(UNSURE).item()}


def environment() -> dict[str, str]:
    """Say what a run depends on beside its recipe: versions and hardware."""
    device = default_device()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
    }


def _run_logged(recipe: Recipe, seed: int, folder: Path) -> dict[str, Any]:
    with (folder / f"seed-{seed}.log").open("a") as log, contextlib.redirect_stdout(log):
        return run_seed(recipe, seed, folder)


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
