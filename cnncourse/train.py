"""Training and measuring a network: the loop of chapters 3 and 4, written once.

A model is any `nn.Module` that turns images, float32 N×C×H×W, into logits, N×classes. A loader is any iterable of
batches, pairs of images and labels (int64 N): `cnncourse.data.Loader` or torch's `DataLoader`.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from tqdm import tqdm

from cnncourse._checks import check_batch, check_labels, check_steps, forward, refuse_test_split
from cnncourse._memory import keep_memory
from cnncourse._model import device_of, evaluating
from cnncourse._text import Table, printable
from cnncourse.checkpoint import load_checkpoint, save_checkpoint

Batches = Iterable[tuple[Tensor, Tensor]]


class Metrics(NamedTuple):
    """Mean loss for an image, and accuracy as a fraction of the images."""

    loss: float
    accuracy: float


class History(list):
    """What `fit` measured: one dict for each epoch. Printed, it is a table."""

    def column(self, name: str) -> list[float]:
        """One value for each epoch, for example `history.column("valid_loss")`."""
        return [row[name] for row in self]

    def __repr__(self) -> str:
        names = list(dict.fromkeys(name for row in self for name in row)) or ["epoch"]
        cells = [[_format(name, row[name]) if name in row else "" for name in names] for row in self]
        return repr(Table([names, *cells], left=0))


def default_device() -> torch.device:
    """The fastest device of this machine: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """The fraction of images whose largest logit is that of their label; logits are N×classes, labels N."""
    return (logits.argmax(dim=1) == labels).sum().item() / len(labels)


def loss_batch(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: Optimizer | None = None,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> Metrics:
    """Loss and accuracy on one batch. With an optimizer, also take one training step.

    Raises:
        ValueError: images or labels do not fit the model.
        FloatingPointError: with an optimizer, when the loss is not finite; the step is not taken.
    """
    logits = forward(model, images)
    check_labels(labels, classes=logits.shape[1])
    loss = loss_function(logits, labels)
    metrics = Metrics(loss.item(), accuracy(logits, labels))
    if optimizer is not None:
        if not math.isfinite(metrics.loss):
            raise FloatingPointError(f"the loss is {metrics.loss}, so training stops; try a smaller learning rate")
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return metrics


def evaluate(model: nn.Module, loader: Batches) -> Metrics:
    """Loss and accuracy over all images of a loader, each image counted once. The model does not change."""
    with evaluating(model), torch.inference_mode():
        return _mean([(len(labels), loss_batch(model, images, labels)) for images, labels in _on_device(model, loader)])


def predict(model: nn.Module, images: Tensor | Batches) -> Tensor:
    """The probability of each class for each image, N×classes on the CPU.

    Args:
        model: gives logits or log-probabilities.
        images: one batch, normalised float N×C×H×W, or a loader that does not shuffle.
    """
    device = device_of(model)
    batches = [images] if isinstance(images, Tensor) else (batch for batch, _ in images)
    with evaluating(model), torch.inference_mode():
        probabilities = [forward(model, batch.to(device)).softmax(dim=1).cpu() for batch in batches]
    return torch.cat(probabilities)


def fit(
    model: nn.Module,
    train: Batches,
    valid: Batches | None = None,
    *,
    optimizer: Optimizer,
    epochs: int,
    scheduler: LRScheduler | ReduceLROnPlateau | None = None,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    checkpoint: str | Path | None = None,
) -> History:
    """Train a model and print one line an epoch.

    The training loss and accuracy of an epoch are means over its batches as they were trained on, so the model still
    changes while they are taken; those of the validation part come after the epoch. Ctrl-C stops the training and
    returns the history of the finished epochs.

    Args:
        model: trained in place, on the device of its parameters.
        train: the batches of one epoch, at each iteration anew.
        valid: evaluated after each epoch. Never the test split: keep that for one last `evaluate`.
        optimizer: of the model's parameters.
        epochs: how often to go through `train`, counted from the first epoch, also when resuming.
        scheduler: changes the learning rate. OneCycleLR and CyclicLR step after every batch, ReduceLROnPlateau after
            every epoch with the validation loss, every other scheduler after every epoch.
        loss_function: of logits and labels, for training; the validation loss is always the cross-entropy.
        checkpoint: a file that keeps the training's state after each epoch. If it is there, training goes on from it
            exactly as if it had never stopped. Where it can't be written, a warning says so and training goes on.

    Raises:
        ValueError: a test split was given, or the data, scheduler or checkpoint do not fit.
        FloatingPointError: the loss was no longer finite.
    """
    keep_memory()
    for loader in (train, valid):
        refuse_test_split(loader)
    if isinstance(scheduler, ReduceLROnPlateau) and valid is None:
        raise ValueError("ReduceLROnPlateau watches the validation loss: give fit a validation part, valid=…")

    history = History()
    if checkpoint is not None and Path(checkpoint).exists():
        history = History(load_checkpoint(checkpoint, model, optimizer, scheduler))
        print(printable(f"{checkpoint} holds {len(history)} of {epochs} epochs: going on from there."))
    check_steps(scheduler, train, epochs)
    try:
        for epoch in range(len(history) + 1, epochs + 1):
            start = time.perf_counter()
            row = {"epoch": epoch}
            lr = optimizer.param_groups[0]["lr"]
            loss, train_accuracy = _train_epoch(model, train, optimizer, scheduler, loss_function, epoch, epochs)
            row |= {"train_loss": loss, "train_accuracy": train_accuracy}
            if valid is not None:
                loss, valid_accuracy = evaluate(model, valid)
                row |= {"valid_loss": loss, "valid_accuracy": valid_accuracy}
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(row["valid_loss"])
            elif scheduler is not None and not _steps_every_batch(scheduler):
                scheduler.step()
            row |= {"lr": lr, "seconds": time.perf_counter() - start}
            history.append(row)
            print(_line(row, epochs), flush=True)
            if checkpoint is not None:
                _save_or_warn(checkpoint, model, optimizer, scheduler, history)
    except KeyboardInterrupt:
        print(f"Stopped by you in epoch {epoch}. Finished epochs, which the history has: {len(history)}.")
    return history


def _train_epoch(model, train, optimizer, scheduler, loss_function, epoch: int, epochs: int) -> Metrics:
    batches = []
    model.train()
    optimizer.zero_grad()
    progress = tqdm(train, desc=f"epoch {epoch}/{epochs}", unit="batch", leave=False)
    for images, labels in _on_device(model, progress):
        try:
            metrics = loss_batch(model, images, labels, optimizer, loss_function)
        except FloatingPointError as error:
            raise FloatingPointError(f"in epoch {epoch}, batch {len(batches) + 1}, {error}") from None
        if _steps_every_batch(scheduler):
            scheduler.step()
        batches.append((len(labels), metrics))
    return _mean(batches)


def _save_or_warn(checkpoint: str | Path, *state) -> None:
    try:
        save_checkpoint(checkpoint, *state)
    except OSError as error:  # a full disk must not cost the training
        warnings.warn(f"{error} Training goes on, but can't be resumed from there.", stacklevel=3)


def _on_device(model: nn.Module, loader: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    device = device_of(model)
    for images, labels in loader:
        check_batch(labels)
        yield images.to(device), labels.to(device)


def _mean(batches: list[tuple[int, Metrics]]) -> Metrics:
    """The mean over images of what was measured for batches of images."""
    images = sum(number for number, _ in batches)
    if images == 0:
        raise ValueError("the loader gave no batch; a loader that is a generator can be used only once")
    return Metrics(
        sum(number * metrics.loss for number, metrics in batches) / images,
        sum(number * metrics.accuracy for number, metrics in batches) / images,
    )


def _steps_every_batch(scheduler: object) -> bool:
    return isinstance(scheduler, OneCycleLR | CyclicLR)


def _format(name: str, value: float) -> str:
    if name == "epoch":
        return str(value)
    if name == "lr":
        return f"{value:.2g}"
    return f"{value:.1f}" if name == "seconds" else f"{value:.4f}"


def _line(row: dict[str, float], epochs: int) -> str:
    values = [f"{name} {_format(name, value)}" for name, value in row.items() if name != "epoch"]
    return f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}: " + ", ".join(values)
