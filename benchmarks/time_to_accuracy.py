"""How long a training takes to 99 % of the validation images, two ways on one CPU.

- textbook: DigitNet with dropout, images changed one by one, a `DataLoader`, and a loop written out. The document that
  it follows does not say everything: dropout's probability, the learning rates and how the images are changed are
  chosen here, the latter as cheap as can be.
- course: the recipe digitnet-best, with `Loader` and `fit`.

They train on the same images, in turns, an epoch each, so that a machine that slows down for a while slows both. An
epoch's seconds include its validation. It writes `results/benchmarks/time_to_accuracy.json`.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from torch.utils.data import DataLoader, Dataset

from benchmarks.timing import PilImages, write
from cnncourse._memory import keep_memory
from cnncourse.data import ImageSet, Loader, load, torchvision
from cnncourse.experiments import RECIPES, Recipe, one_after_the_other
from cnncourse.models import DigitNet
from cnncourse.train import fit

BATCH_SIZE = 128  # of the textbook way


def textbook_images(images: ImageSet) -> Dataset:
    return PilImages(images, torchvision.transforms.RandomRotation(7))


def textbook_parts(steps: int) -> tuple[nn.Module, Optimizer, LRScheduler]:
    torch.manual_seed(0)
    model = DigitNet(dropout=0.05)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return model, optimizer, OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)


def textbook_step(model: nn.Module, optimizer: Optimizer, images: Tensor, labels: Tensor) -> None:
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()


def course_parts(recipe: Recipe, images: ImageSet) -> tuple[Loader, nn.Module, Optimizer, LRScheduler]:
    torch.manual_seed(0)
    loader = Loader(images, recipe.batch_size, shuffle=True, augment=one_after_the_other(recipe.augment))
    model = recipe.model()
    optimizer = recipe.optimizer(model.parameters())
    return loader, model, optimizer, recipe.scheduler(optimizer, recipe.epochs * len(loader))


def textbook_epochs(train: ImageSet, valid: ImageSet, epochs: int, workers: int) -> Iterator[dict[str, float]]:
    """Train the textbook way, and give the validation accuracy and the seconds of each epoch as it ends."""
    loader = DataLoader(textbook_images(train), BATCH_SIZE, shuffle=True, num_workers=workers)
    valid_loader = DataLoader(PilImages(valid), 1000, num_workers=workers)
    model, optimizer, scheduler = textbook_parts(epochs * len(loader))
    for _ in range(epochs):
        start = time.perf_counter()
        model.train()
        for images, labels in loader:
            textbook_step(model, optimizer, images, labels)
            scheduler.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in valid_loader:
                correct += (model(images).argmax(dim=1) == labels).sum().item()
        yield {"accuracy": correct / len(valid), "seconds": time.perf_counter() - start}


def course_epochs(recipe: Recipe, train: ImageSet, valid: ImageSet) -> Iterator[dict[str, float]]:
    """Train a recipe, and give the validation accuracy and the seconds of each epoch as it ends."""
    loader, model, optimizer, scheduler = course_parts(recipe, train)
    for _ in range(recipe.epochs):
        with contextlib.redirect_stdout(io.StringIO()):
            history = fit(
                model,
                iter(loader),  # one epoch alone: the scheduler has more steps to come
                Loader(valid, 1000),
                optimizer=optimizer,
                epochs=1,
                scheduler=scheduler,
                loss_function=recipe.loss_function,
            )
        if not history:  # fit keeps Ctrl-C to itself
            raise KeyboardInterrupt
        yield {"accuracy": history[0]["valid_accuracy"], "seconds": history[0]["seconds"]}


def race(ways: dict[str, Iterator[dict[str, float]]], level: float) -> dict[str, list[dict[str, float]]]:
    """Train in turns, an epoch each, until each way has reached the accuracy `level` or its last epoch."""
    histories: dict[str, list] = {name: [] for name in ways}
    running = dict(ways)
    while running:
        for name, epochs in list(running.items()):
            row = next(epochs, None)
            if row is not None:
                histories[name].append(row)
                number, seconds = len(histories[name]), row["seconds"]
                print(f"{name}, epoch {number}: {row['accuracy']:.2%}, {seconds:.1f} s", flush=True)
            if row is None or row["accuracy"] >= level:
                del running[name]
    return histories


def outcome(history: list[dict[str, float]]) -> dict[str, float]:
    """How long a way trained, and how far it came."""
    seconds = sum(row["seconds"] for row in history)
    return {"epochs": len(history), "seconds": seconds, "best": max(row["accuracy"] for row in history)}


def comparison(ways: dict[str, dict[str, float]], level: float) -> str:
    """Say how many times as long the textbook way took, as far as the race can tell."""
    if ways["course"]["best"] < level:
        return "The course's way did not get there, so there is no ratio of times."
    times = f"{ways['textbook']['seconds'] / ways['course']['seconds']:.1f} times as long"
    if ways["textbook"]["best"] < level:
        return f"The textbook way took more than {times}: it had not got there when it ended."
    return f"The textbook way took {times}."


def measure(recipe: Recipe, level: float, workers: int) -> dict:
    """Race both ways, with as many epochs each, on the recipe's parts of the training images."""
    train, valid = load(recipe.data, "train").split(recipe.valid_fraction, seed=0)
    histories = race(
        {
            "textbook": textbook_epochs(train, valid, recipe.epochs, workers),
            "course": course_epochs(recipe, train, valid),
        },
        level,
    )
    ways = {name: outcome(history) for name, history in histories.items()}
    return {
        "level": level,
        "epochs": recipe.epochs,
        "workers": workers,
        "train": len(train),
        "valid": len(valid),
        "ways": ways,
        "comparison": comparison(ways, level),
        "histories": histories,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="of both ways")
    parser.add_argument("--level", type=float, default=0.99, help="validation accuracy to reach")
    parser.add_argument("--workers", type=int, default=0, help="of the textbook way's DataLoader")
    options = parser.parse_args()
    keep_memory()  # `fit` asks for it; so it helps the textbook way from the first step on
    # Both ways have the same 12,000 images for validation, where the recipe has fewer.
    recipe = replace(RECIPES["digitnet-best"], epochs=options.epochs, valid_fraction=0.2)
    write("time_to_accuracy", measure(recipe, options.level, options.workers))


if __name__ == "__main__":
    main()
