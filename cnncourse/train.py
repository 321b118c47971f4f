"""Training and measuring a network: the loop of chapters 3 and 4, written once.

A model is any `nn.Module` that turns images, float32 N×C×H×W, into logits, N×classes. A loader is any iterable of
batches, pairs of images and labels (int64 N): `cnncourse.data.Loader` or torch's `DataLoader`. Labels may be whole
numbers of any type, images of any precision, both in NumPy arrays; a batch may be a dict with "image" and "label".
What is none of this is refused with an error that says what it is.
"""

import math
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm import tqdm

from cnncourse._batches import (
    NO_BATCH,
    Batches,
    as_images,
    as_labels,
    check_loader,
    check_order,
    images_of,
    pairs,
    preprocessing_of,
    refuse_test_split,
)
from cnncourse._checks import (
    ONE_NUMBER,
    check_labels,
    check_loss_function,
    check_optimizer,
    check_scheduler,
    logits_of,
    loss_of,
    steps_every_batch,
)
from cnncourse._memory import keep_memory
from cnncourse._model import bare, carry, evaluating
from cnncourse._text import Table, printable
from cnncourse.checkpoint import check_can_be_saved, load_checkpoint, save_checkpoint
from cnncourse.data.preprocessing import Preprocessing


class Metrics(NamedTuple):
    """Mean loss for an image, and accuracy as a fraction of the images."""

    loss: float
    accuracy: float


class History(list[dict[str, Any]]):
    """What `fit` measured: one dict for each epoch. Printed, it is a table."""

    def column(self, name: str) -> list[float]:
        """One value for each epoch, for example `history.column("valid_loss")`."""
        return [row[name] for row in self]

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return History(found) if isinstance(place, slice) else found

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
    return _share_right(logits, as_labels(labels, len(logits), logits.device))


def loss_batch(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: Optimizer | None = None,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> Metrics:
    """Loss and accuracy on one batch. With an optimizer, also take one training step.

    Raises:
        TypeError: images or labels are no tensors, or the loss function is a class.
        ValueError: images, labels and loss function do not fit the model, or the model gives no logits.
        FloatingPointError: the loss is not a number, or with an optimizer not finite; the step is not taken.
    """
    check_loss_function(loss_function)
    images = as_images(images, model)
    labels = as_labels(labels, len(images), images.device)
    logits = logits_of(model, images)
    check_labels(labels, classes=logits.shape[1])
    loss = loss_of(loss_function, logits, labels)
    metrics = Metrics(loss.item(), _share_right(logits, labels))
    if math.isnan(metrics.loss) or (optimizer is not None and not math.isfinite(metrics.loss)):
        raise FloatingPointError(_not_finite(metrics.loss, images, training=optimizer is not None))
    if metrics.loss < 0:
        told = f"the loss is {metrics.loss:.3g}, below 0, as no cross-entropy is. Does the loss function fit the model?"
        warnings.warn(told, stacklevel=2)
    if optimizer is not None:
        if not loss.requires_grad:
            raise ValueError("nothing can be learnt: the loss does not depend on a parameter with requires_grad=True")
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return metrics


def evaluate(model: nn.Module, loader: Batches) -> Metrics:
    """Loss and accuracy over all images of a loader, each image counted once. The model does not change.

    Raises:
        TypeError: the loader gives no batches of images and labels.
        ValueError: the loader gives no batch, or one that does not fit the model; or the model gives no logits.
        FloatingPointError: the loss is not a number.
    """
    with evaluating(model), torch.inference_mode():
        return _mean([(loss_batch(model, images, labels), len(images)) for images, labels in pairs(loader)])


def predict(model: nn.Module, images: Tensor | Batches) -> Tensor:
    """The probability of each class for each image, N×classes on the CPU.

    Args:
        model: gives logits or log-probabilities.
        images: one batch, normalised float N×C×H×W, or a loader that goes through its images in order; its batches
            may be images alone.

    Raises:
        TypeError: the loader gives no batches of images.
        ValueError: the loader shuffles or gives no batch; or the images do not fit the model, or it gives no logits.
            A model with a single answer, whose probability is always 1, gets a warning.
        FloatingPointError: the model's answer is not a number.
    """
    check_loader(images)
    check_order(images)
    batches = [images] if isinstance(images, Tensor | np.ndarray) else map(images_of, images)
    with evaluating(model), torch.inference_mode():
        found = [logits_of(model, as_images(batch, model)).softmax(dim=1).cpu() for batch in batches]
    if not found:
        raise ValueError(NO_BATCH)
    probabilities = torch.cat(found)
    if probabilities.shape[1] == 1:
        warnings.warn(f"each probability is 1, because the model gives {ONE_NUMBER}", stacklevel=2)
    if probabilities.isnan().any():
        raise FloatingPointError("the model's answer is not a number: its weights, or these images, are not all finite")
    return probabilities


def predict_file(model: nn.Module, path: str | Path, preprocessing: Preprocessing | None = None) -> dict[str, float]:
    """Read one picture from a file, and return the probability of each class.

    The picture is prepared as the images were that the model was trained on.

    Args:
        model: gives logits or log-probabilities. It does not change.
        path: of a picture of any size; see `ImageSet.from_folder` for the kinds.
        preprocessing: of the training images, as `ImageSet.preprocessing` has it; without it, the model's own, which
            `fit`, a checkpoint and `trained` give it.

    Returns:
        The probability by the name of the class, the most probable first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it can't be read as a picture; or it is not known how to prepare it; or the model has another
            number of classes.
    """
    preprocessing = preprocessing or getattr(bare(model), "preprocessing", None)
    if preprocessing is None:
        raise ValueError(
            "it is not known how the model's training images were prepared: give "
            "preprocessing=images.preprocessing, of the ImageSet that it was trained on"
        )
    [probabilities] = predict(model, preprocessing.read(path)).tolist()
    if len(probabilities) != len(preprocessing.classes):
        raise ValueError(
            f"the model has {len(probabilities)} classes, but the images that it was trained on have "
            f"{len(preprocessing.classes)}: is this the preprocessing of another model?"
        )
    named = zip(preprocessing.classes, probabilities, strict=True)
    return dict(sorted(named, key=lambda pair: pair[1], reverse=True))


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
    """Train a model and print a table with one line an epoch.

    The training loss and accuracy of an epoch are means over its batches as they were trained on, so the model still
    changes while they are taken; those of the validation part come after the epoch. Ctrl-C stops the training and
    returns the history of the finished epochs; the model then has the batches of the unfinished one in it too, so it
    is not the model of the last row.

    Layers that are in evaluation mode while the model is in training mode stay so: a frozen batch norm stays frozen. A
    model that is in evaluation mode as a whole is put into training mode. Where the training data say how their images
    were prepared, the model keeps it as `model.preprocessing`.

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
            exactly as if it had never stopped, as far as chance comes from torch's own generators. Where it can't be
            written, a warning says so and training goes on.

    Raises:
        TypeError: a loader gives no batches, or a class was given in place of an optimizer, scheduler or loss.
        ValueError: a test split was given, or the data, optimizer, scheduler, loss or checkpoint do not fit.
        FloatingPointError: the loss was no longer finite.
    """
    keep_memory()
    for loader in (train,) if valid is None else (train, valid):
        check_loader(loader)
        refuse_test_split(loader)
    check_optimizer(optimizer, model)
    check_scheduler(scheduler, optimizer, train, valid, epochs)
    check_loss_function(loss_function)

    history = History()
    if checkpoint is not None and Path(checkpoint).exists():
        history = History(load_checkpoint(checkpoint, model, optimizer, scheduler, epochs=epochs))
        going_on = "going on from there" if len(history) < epochs else "nothing is left to train"
        print(printable(f"{checkpoint} holds {len(history)} of {epochs} epochs: {going_on}."))
    if (preprocessing := preprocessing_of(train)) is not None:
        carry(model, preprocessing)
    if checkpoint is not None:
        check_can_be_saved(model, optimizer, scheduler)
    first = len(history) + 1
    frozen = [layer for layer in model.modules() if not layer.training] if model.training else []
    try:
        for epoch in range(first, epochs + 1):
            start = time.perf_counter()
            row: dict[str, float] = {"epoch": epoch}
            lr = float(optimizer.param_groups[0]["lr"])
            model.train()
            for layer in frozen:
                layer.training = False
            loss, train_accuracy = _train_epoch(model, train, optimizer, scheduler, loss_function, epoch, epochs)
            row |= {"train_loss": loss, "train_accuracy": train_accuracy}
            if valid is not None:
                loss, valid_accuracy = evaluate(model, valid)
                row |= {"valid_loss": loss, "valid_accuracy": valid_accuracy}
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(row["valid_loss"])
            elif scheduler is not None and not steps_every_batch(scheduler):
                scheduler.step()
            row |= {"lr": lr, "seconds": time.perf_counter() - start}
            history.append(row)
            if epoch == first:
                print(_columns("epoch", {name: name for name in row}, epochs))
            print(_columns(f"{epoch}/{epochs}", row, epochs), flush=True)
            if checkpoint is not None:
                _save_or_warn(checkpoint, model, optimizer, scheduler, history)
    except KeyboardInterrupt:
        print(f"Stopped by you in epoch {epoch}. Finished epochs, which the history has: {len(history)}.")
    return history


def _train_epoch(
    model: nn.Module,
    train: Batches,
    optimizer: Optimizer,
    scheduler: Any,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    epoch: int,
    epochs: int,
) -> Metrics:
    batches: list[tuple[Metrics, int]] = []
    optimizer.zero_grad()
    progress = tqdm(train, desc=f"epoch {epoch}/{epochs}", unit="batch", leave=False)
    for images, labels in pairs(progress):
        try:
            metrics = loss_batch(model, images, labels, optimizer, loss_function)
        except FloatingPointError as error:
            raise FloatingPointError(f"in epoch {epoch}, batch {len(batches) + 1}, {error}") from None
        if steps_every_batch(scheduler):
            scheduler.step()
        batches.append((metrics, len(images)))
    return _mean(batches)


def _save_or_warn(checkpoint: str | Path, *state: Any) -> None:
    try:
        save_checkpoint(checkpoint, *state)
    except OSError as error:  # a full disk must not cost the training
        warnings.warn(f"{error} Training goes on, but can't be resumed from there.", stacklevel=3)


def _share_right(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(dim=1) == labels).sum().item() / len(labels)


def _not_finite(loss: float, images: Tensor, training: bool) -> str:
    if not images.isfinite().all():
        return f"the loss is {loss}, because the images of this batch are not all finite numbers"
    if training:
        return f"the loss is {loss}, so training stops; try a smaller learning rate"
    return f"the loss is {loss}, because the model's answer is not a number: its weights are not all finite"


def _mean(batches: list[tuple[Metrics, int]]) -> Metrics:
    """The mean over images of what was measured for batches of images."""
    images = sum(number for _, number in batches)
    if images == 0:
        raise ValueError(NO_BATCH)
    return Metrics(
        sum(number * metrics.loss for metrics, number in batches) / images,
        sum(number * metrics.accuracy for metrics, number in batches) / images,
    )


def _format(name: str, value: float) -> str:
    if name == "epoch":
        return str(value)
    if name == "lr":
        return f"{value:.2g}"
    return f"{value:.1f}" if name == "seconds" else f"{value:.4f}"


def _columns(epoch: str, values: Mapping[str, Any], epochs: int) -> str:
    """A line of the log: of an epoch, or of its names."""
    texts = [epoch.rjust(max(5, 2 * len(str(epochs)) + 1))]
    for name, value in values.items():
        if name != "epoch":
            texts.append((value if value == name else _format(name, value)).rjust(max(7, len(name))))
    return " ".join(texts)
