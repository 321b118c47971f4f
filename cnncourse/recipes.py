"""Named, frozen settings, and the command that runs them over seeds.

    python -m cnncourse.recipes list
    python -m cnncourse.recipes run lenet5-relu-max --seeds 5

Every run of a recipe trains with one seed on the training part, watches the validation part, and looks at the test
split once, after the last epoch. `results/NAME.json` gets each run as it ends. A run that was stopped goes on from its
last finished epoch.
"""

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from cnncourse import settings
from cnncourse.data import Loader, load
from cnncourse.models import ConvNet, LeNet5
from cnncourse.train import default_device, evaluate, fit


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that a run needs beside its seed.

    Attributes:
        data: the data set's name.
        model, optimizer, scheduler: make the part; a scheduler gets the optimizer and the number of steps.
        augment: functions of a batch, one after the other.
        image_size: resize the images to this many pixels, where the model wants another size than the data has.
        valid_fraction: the share of the training images that is kept for validation, the same images in every run.
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

    def settings(self) -> dict:
        """The recipe as plain values, as a result file keeps it."""
        return {field.name: _describe(getattr(self, field.name)) for field in fields(self)}


def one_cycle(optimizer: Optimizer, steps: int, **options) -> OneCycleLR:
    """A `OneCycleLR` over all steps of a run."""
    return OneCycleLR(optimizer, total_steps=steps, **options)


LENET5 = {"data": "FashionMNIST", "image_size": 32, "batch_size": 512, "epochs": 25}
RECIPES = {
    "convnet-mnist": Recipe(
        data="MNIST", model=ConvNet, batch_size=64, epochs=7, optimizer=partial(torch.optim.SGD, lr=0.01)
    ),
    "lenet5-tanh-avg": Recipe(**LENET5, model=LeNet5, optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9)),
    "lenet5-relu-max": Recipe(
        **LENET5,
        model=partial(LeNet5, pool=nn.MaxPool2d, activation=nn.ReLU),
        optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9),
    ),
}


def run_seed(name: str, seed: int, folder: Path) -> dict:
    """Run one seed of a recipe, keeping its state in `folder`, and return the row of the result file."""
    recipe = RECIPES[name]
    device = default_device()
    train, test = load(recipe.data, "train"), load(recipe.data, "test")
    if recipe.image_size is not None:
        train, test = train.resize(recipe.image_size), test.resize(recipe.image_size)
    train, valid = train.split(recipe.valid_fraction, seed=0)

    torch.manual_seed(seed)
    model = recipe.model().to(device)
    loader = Loader(train, recipe.batch_size, shuffle=True, augment=_one_after_the_other(recipe.augment), device=device)
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
    metrics = evaluate(model, Loader(test, 1000, device=device))
    return {"seed": seed, "history": list(history), "test": metrics._asdict()}


def run(name: str, seeds: int = 5, results: Path | None = None) -> dict:
    """Run the seeds 0, 1, … of a recipe that its result file lacks; on a CPU side by side, one thread each.

    Args:
        name: of a recipe in `RECIPES`.
        seeds: how many seeds the result file shall have at least.
        results: the folder of the result files; the course's own unless told otherwise.

    Returns:
        What stands in the result file.

    Raises:
        ValueError: there is no such recipe, or the result file was written with other settings.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; there are {', '.join(RECIPES)}")
    results = results or settings.files("results")
    path = results / f"{name}.json"
    result = _begin(name, path)
    missing = [seed for seed in range(seeds) if seed not in {run["seed"] for run in result["runs"]}]
    fingerprint = hashlib.sha256(json.dumps(result["settings"]).encode()).hexdigest()[:8]
    folder = results.parent / ".runs" / f"{name}-{fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)

    workers = 1 if default_device().type == "cuda" else min(os.cpu_count() or 1, len(missing) or 1)
    os.environ["TQDM_DISABLE"] = "1"  # the bars of several processes would write over each other
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(_run_logged, name, seed, folder): seed for seed in missing}
        for future in as_completed(futures):
            row = future.result()
            result["runs"] = sorted([*result["runs"], row], key=lambda run: run["seed"])
            _write(path, result)
            (folder / f"seed-{row['seed']}.pt").unlink()
            seconds = sum(epoch["seconds"] for epoch in row["history"])
            print(f"{name}, seed {row['seed']}: {row['test']['accuracy']:.2%} of the test images, {seconds:.0f} s")
    return result


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


def _run_logged(name: str, seed: int, folder: Path) -> dict:
    with (folder / f"seed-{seed}.log").open("a") as log, contextlib.redirect_stdout(log):
        return run_seed(name, seed, folder)


def _begin(name: str, path: Path) -> dict:
    """The result file as it is, or a new one without runs."""
    recipe = RECIPES[name]
    parameters = sum(parameter.numel() for parameter in recipe.model().parameters())
    new = {
        "recipe": name,
        "settings": recipe.settings(),
        "parameters": parameters,
        "environment": environment(),
    }
    if not path.exists():
        return {**new, "runs": []}
    result = json.loads(path.read_text())
    for key, value in new["settings"].items():
        if result["settings"].get(key) != value:
            raise ValueError(
                f"{path} was written with other settings: {key} was {result['settings'].get(key)}, now it is {value}. "
                "Delete the file to run the recipe anew; runs of different settings are not mixed."
            )
    return result


def _write(path: Path, result: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(part, path)


def _one_after_the_other(functions: tuple[Callable, ...]) -> Callable[[Tensor], Tensor] | None:
    def augment(images: Tensor) -> Tensor:
        for function in functions:
            images = function(images)
        return images

    return augment if functions else None


def _describe(value: object) -> object:
    """A setting as a plain value: a class or function by its name, with the arguments that a partial gives it."""
    if isinstance(value, partial):
        arguments = ", ".join(f"{key}={_describe(argument)}" for key, argument in value.keywords.items())
        return f"{value.func.__name__}({arguments})"
    if isinstance(value, tuple):
        return [_describe(item) for item in value]
    return getattr(value, "__name__", value)


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m cnncourse.recipes", description="Run the recipes of the course.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name the recipes and how many runs each has")
    runner = commands.add_parser("run", help="run recipes over seeds and write results/NAME.json")
    runner.add_argument("names", nargs="*", metavar="NAME", help="recipes; without a name, all of them")
    runner.add_argument("--seeds", type=int, default=5, help="how many seeds each recipe shall have (default: 5)")
    arguments = parser.parse_args()

    if arguments.command == "list":
        for name in RECIPES:
            print(f"{name}: {len(_begin(name, settings.files('results') / f'{name}.json')['runs'])} runs")
        return
    try:
        for name in arguments.names or RECIPES:
            run(name, arguments.seeds)
    except ValueError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. The finished epochs are kept: the same command goes on from there.")


if __name__ == "__main__":
    main()
