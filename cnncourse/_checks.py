"""What does not fit together in a training, said in the user's words. `cnncourse.train` asks for these checks."""

from collections.abc import Callable, Iterable, Mapping, Sized
from functools import partial
from traceback import walk_tb
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, ReduceLROnPlateau

from cnncourse._model import bare
from cnncourse._text import by, count, kind_of_number

# Losses of torch that compare numbers with numbers, as modules and as functions.
LOSSES_OF_NUMBERS = (
    nn.MSELoss,
    nn.L1Loss,
    nn.SmoothL1Loss,
    nn.HuberLoss,
    nn.BCELoss,
    nn.BCEWithLogitsLoss,
    nn.KLDivLoss,
    nn.PoissonNLLLoss,
    nn.SoftMarginLoss,
    nn.MultiLabelSoftMarginLoss,
)
FUNCTIONS_OF_NUMBERS = (
    nn.functional.mse_loss,
    nn.functional.l1_loss,
    nn.functional.smooth_l1_loss,
    nn.functional.huber_loss,
    nn.functional.binary_cross_entropy,
    nn.functional.binary_cross_entropy_with_logits,
)
ONE_NUMBER = "a single number for an image: two classes need two, nn.Linear(…, 2), also where they are yes and no"


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """Return `model(images)`, with an error in the reader's words where the images are not those it was made for.

    Raises:
        ValueError: names the shapes of both; or the layer, its map's size and its kernel's, where a feature map has
            become smaller than a kernel; or the single image that batch norm can't learn from.
    """
    try:
        output: Tensor = model(images)  # or whatever it gives
    except (RuntimeError, ValueError, IndexError) as error:
        if problem := _problem(model, images, error):
            raise ValueError(problem) from error
        raise
    if problem := _other_size(model, images):  # it computes, but with maps that it was not trained for
        raise ValueError(problem)
    return output


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """Return `forward(model, images)` where that is what a classifier gives: N×classes, a row for each image.

    Raises:
        ValueError: the images do not fit the model; or its output is something else, and the error says what.
    """
    logits = forward(model, images)
    if (
        images.ndim == 3
        and isinstance(logits, Tensor)
        and (logits.shape[:1] != images.shape[:1] or logits.shape[1:] == (1,))
    ):
        raise ValueError(_no_batch(images))
    if problem := _no_logits(logits, images):
        raise ValueError(
            "a network gives logits, N×classes, one row for each image, but "
            f"this {type(bare(model)).__name__} gave {problem}"
        )
    return logits


def are_probabilities(output: Tensor) -> bool:
    """Return whether each row sums to 1 with no number below 0."""
    output = output.detach()
    tolerance = max(1e-5, torch.finfo(output.dtype).eps)
    if not len(output) or abs(output[0].sum(dtype=torch.float32).item() - 1) > tolerance:
        return False  # the first row decides for nearly all networks at once
    sums = output.sum(dim=1, dtype=torch.float32)
    undecided = (output > 0) & (output < 1)  # a test's one-hot "logits" sum to 1 too
    return bool(((sums - 1).abs() <= tolerance).all() and (output >= 0).all() and undecided.any())


def check_labels(labels: Tensor, classes: int) -> None:
    """Refuse labels that the model has no class for."""
    low, high = torch.stack(labels.aminmax()).tolist()  # one wait for a GPU, not two
    if low < 0 or high >= classes:
        if classes == 1:
            raise ValueError(f"the model gives {ONE_NUMBER}; this batch has labels from {low} to {high}")
        raise ValueError(
            f"the model has {classes} classes, so labels go from 0 to {classes - 1}; "
            f"this batch has labels from {low} to {high}"
        )


def loss_of(loss_function: Callable[[Tensor, Tensor], Tensor], logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of logits, N×classes, and labels, N.

    Raises:
        ValueError: the loss function can't be computed of them, or does not give one number; says what to do.
    """
    name = _name(loss_function)
    if name in ("NLLLoss", "nll_loss") and abs(logits[0].detach().logsumexp(dim=0).item()) > 0.01:
        raise ValueError(f"{name} takes log-probabilities, but this model gives logits: take nn.CrossEntropyLoss()")
    try:
        loss = loss_function(logits, labels)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"the loss function {name} can't be computed of logits, {by(logits.shape)}, and labels, int64 "
            f"{by(labels.shape)}: {error}"
        ) from error
    if not isinstance(loss, Tensor):
        raise ValueError(f"the loss function {name} gave {_content(loss)}, but a tensor with one number is needed")
    if loss.numel() != 1:
        raise ValueError(f"the loss function {name} gave {by(loss.shape)} numbers, but their mean is needed")
    return loss


def check_loss_function(loss_function: object) -> None:
    """Refuse a loss function that is none, or none for classes, or no mean over a batch."""
    name = _name(loss_function)
    if isinstance(loss_function, type):
        raise TypeError(f"loss_function is the class {name} itself: make one of it, {name}()")
    if isinstance(loss_function, LOSSES_OF_NUMBERS) or loss_function in FUNCTIONS_OF_NUMBERS:
        raise ValueError(
            f"{name} compares numbers with numbers, but labels are indices of classes: take nn.CrossEntropyLoss()"
        )
    options = loss_function.keywords if isinstance(loss_function, partial) else getattr(loss_function, "__dict__", {})
    if (reduction := options.get("reduction", "mean")) != "mean":
        raise ValueError(f"{name} has reduction={reduction!r}, but the loss must be the mean over a batch")


def check_optimizer(optimizer: Optimizer, model: nn.Module) -> None:
    """Refuse an optimizer that does not train this model."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "param_groups"):
        raise TypeError("optimizer must be one, for example torch.optim.SGD(model.parameters(), lr=0.1)")
    if isinstance(optimizer, LBFGS):
        raise ValueError("LBFGS computes the loss several times in a step, which fit does not do: take SGD or Adam")
    held = {id(parameter): parameter for group in optimizer.param_groups for parameter in group["params"]}
    names = {id(parameter): name for name, parameter in bare(model).named_parameters()}
    ours = [parameter for key, parameter in held.items() if key in names]
    left_out = [names[id(each)] for each in model.parameters() if each.requires_grad and id(each) not in held]
    if not ours:
        raise ValueError(
            f"the optimizer holds no parameter of this {type(bare(model)).__name__}: it was made for another model, or "
            "for this one before it was made anew. Make the optimizer after the model"
        )
    if len(ours) < len(held) and left_out:
        raise ValueError(
            f"the optimizer would not train {left_out[0]}, but holds parameters that are not the model's: a layer was "
            "replaced. Make the optimizer after that"
        )
    if not any(parameter.requires_grad for parameter in ours):
        raise ValueError("the optimizer holds frozen parameters only: requires_grad_(True) lets them train")


def check_scheduler(scheduler: object, optimizer: Optimizer, train: Iterable[Any], valid: object, epochs: int) -> None:
    """Refuse a scheduler of another optimizer, or of another number of steps, or that `fit` can't step rightly."""
    if scheduler is None:
        return
    name = type(scheduler).__name__
    if isinstance(scheduler, type):
        raise TypeError(f"scheduler is the class {scheduler.__name__} itself: make one of it for the optimizer")
    for inner in (scheduler, *getattr(scheduler, "_schedulers", ())):
        if getattr(inner, "optimizer", optimizer) is not optimizer:
            raise ValueError(f"this {name} is of another optimizer: make the scheduler after the optimizer")
        if inner is not scheduler and steps_every_batch(inner):
            raise ValueError(f"{name} steps after every epoch, but the {type(inner).__name__} in it counts batches")
    if isinstance(scheduler, ReduceLROnPlateau):
        if valid is None:
            raise ValueError("ReduceLROnPlateau watches the validation loss: give fit a validation part, valid=…")
        if scheduler.mode != "min":
            raise ValueError(
                'ReduceLROnPlateau watches the validation loss, which should fall: make it with mode="min"'
            )
    if isinstance(scheduler, OneCycleLR) and isinstance(train, Sized) and scheduler.total_steps != epochs * len(train):
        raise ValueError(
            f"the scheduler was made for {scheduler.total_steps} steps, but this run has {epochs * len(train)}: "
            f"{epochs} epochs of {len(train)} batches. Make it with total_steps={epochs * len(train)}."
        )


def steps_every_batch(scheduler: object) -> bool:
    """Return whether `fit` steps this scheduler after every batch, not after every epoch."""
    return isinstance(scheduler, OneCycleLR | CyclicLR)


def _problem(model: nn.Module, images: Tensor, error: Exception) -> str:
    """Say in the reader's words why a model could not compute its output; "" where nobody but torch knows."""
    if "Expected more than 1" in str(error) and len(images) == 1:
        return (
            "batch norm can't learn from a batch of one image, as the last one of this loader is. Give the loader "
            "drop_last=True, or a batch size that leaves no image over"
        )
    if images.ndim != 4:
        return _no_batch(images)
    too_small = _too_small(model, error)
    if problem := _other_size(model, images, too_small):
        return problem
    return too_small and f"{too_small}Give larger images, or take away layers that make the map smaller."


def _no_batch(images: Tensor) -> str:
    way = "image[None, None]" if images.ndim == 2 else "image[None]"
    way += " is a batch of one image"
    if images.ndim == 3 and len(images) > 4:
        way = "images[:, None] gives grey images their channel"
    return f"a batch of images is N×C×H×W, but this is {by(images.shape) or 'one number'}; {way}"


def _other_size(model: nn.Module, images: Tensor, reason: str = "") -> str:
    model = bare(model)
    expected, given = getattr(model, "input_shape", None), tuple(images.shape[1:])
    if expected is None or given == tuple(expected):
        return ""
    if len(given) != len(expected):
        return _no_batch(images)
    return (
        f"{type(model).__name__} takes images of {by(expected)}, but this batch has images of {by(given)}. {reason}"
        "ImageSet.resize changes their size; the number of channels must be the model's."
    )


def _too_small(model: nn.Module, error: Exception) -> str:
    """A sentence about the layer whose kernel was larger than its map, if that is what torch's error says."""
    if "Kernel size can't be greater" not in str(error) and "Output size is too small" not in str(error):
        return ""
    sentence = ""
    for frame, _ in walk_tb(error.__traceback__):  # the calls from here down to the layer that failed
        layer: Any = frame.f_locals.get("self")
        given = frame.f_locals.get("input")
        if hasattr(layer, "kernel_size") and isinstance(given, Tensor):
            kind = type(layer).__name__
            name = next((f"{name} ({kind})" for name, module in model.named_modules() if module is layer), kind)
            kernel = layer.kernel_size
            kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            sentence = f"Layer {name} gets a map of {by(given.shape[2:])}, too small for a kernel of {by(kernel)}. "
    return sentence


def _no_logits(output: object, images: Tensor) -> str:
    """Say what a model gave, and what to do, where it is not one row of logits for each image; "" where it is."""
    if output is None:
        return "nothing: its forward needs a return"
    if not isinstance(output, Tensor):
        return f"{_content(output)}: let it return the logits alone"
    shape = by(output.shape) or "one number"
    if output.ndim == 0 or tuple(output.shape) == (len(images),):
        return f"{shape}, {ONE_NUMBER}"
    if output.ndim == 1:
        return f"{shape}, without an axis for the images: squeeze() takes it away from a batch of one image"
    if len(output) != len(images):
        rows, given = count(len(output), "row"), count(len(images), "image")
        return (
            f"{rows} for {given} of {by(images.shape[1:])}: images of this size don't fit it, and view(-1, n) mixes "
            "them, where nn.Flatten() keeps each image apart"
        )
    if output.ndim != 2:
        return f"{shape}: let it end in nn.AdaptiveAvgPool2d(1), where that is missing, and nn.Flatten()"
    if not output.is_floating_point():
        return f"numbers of type {kind_of_number(output.dtype)}: take its argmax away, the logits are needed"
    if are_probabilities(output):
        return "probabilities: take the softmax at its end away, fit and predict have their own"
    return ""


def _content(value: object) -> str:
    kind = type(value).__name__
    if isinstance(value, Mapping):
        return f"a {kind} with the keys {', '.join(map(str, value))}"
    return f"a {kind} of {len(value)}" if isinstance(value, tuple | list) else f"a {kind}"


def _name(function: object) -> str:
    """The name of a function, or of its class; of a partial, that of what it calls."""
    function = function.func if isinstance(function, partial) else function
    return getattr(function, "__name__", type(function).__name__)
