"""How far a network's probabilities can be believed, and the temperature that mends them."""

import math

import torch
from torch import Tensor

from cnncourse._batches import as_labels
from cnncourse._checks import are_probabilities, check_labels
from cnncourse._text import by, kind_of_number

COLDEST, HOTTEST = 0.01, 100.0
HALVINGS = 50  # of the range of log T: to about 1e-14


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Measure how far the confidence of answers is from their accuracy: the expected calibration error, from 0 to 1.

    The answers are sorted into bins of equal width by their confidence, which is the greatest probability of an image.
    In each bin the mean confidence is compared with the accuracy; the error is the mean of the differences, each bin
    weighted by its number of answers. At 0, of the answers that are sure to 80 %, 80 % are right.

    Args:
        logits: N×classes, or log-probabilities, as `predict(model, loader).log()` gives them.
        labels: N indices of classes.
        bins: how many; a confidence on the border of two belongs to the lower one.

    Raises:
        TypeError: logits or labels are no numbers in a tensor.
        ValueError: their shapes do not fit, there are none, a logit is infinite or NaN, or they are probabilities; or
            bins is no whole number from 1.

    Source: Guo et al., "On calibration of modern neural networks", 2017, equations 2 and 3.
    """
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"bins must be a whole number from 1, not {bins!r}")
    logits, labels = _checked(logits, labels)
    confidence, predictions = logits.softmax(dim=1).max(dim=1)  # N each
    places = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
    gaps = torch.bincount(places, weights=confidence - (predictions == labels).double(), minlength=bins)
    return gaps.abs().sum().item() / len(labels)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the temperature T with which softmax(logits / T) has the least cross-entropy.

    Above 1 it makes a network less sure, below 1 surer; the order of the classes stays, and so the accuracy. Fit it on
    the validation part: the images that a network was trained on it knows too well, and T would be too low.

    Args:
        logits: N×classes, or log-probabilities, as `predict(model, loader).log()` gives them.
        labels: N indices of classes.

    Returns:
        A number from 0.01 to 100. It is 0.01 where the answers are all right, as no T is then cold enough, and 100
        where they are no better than guesses, so that none is hot enough. Where every T is as good, it is 1.

    Raises:
        TypeError: logits or labels are no numbers in a tensor.
        ValueError: their shapes do not fit, there are none, a logit is infinite or NaN, or they are probabilities.

    Source: Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
    """
    logits, labels = _checked(logits, labels)
    logits = logits - logits.amax(dim=1, keepdim=True)
    if not logits.any():  # each row has equal logits
        return 1.0
    right = logits.gather(1, labels[:, None])[:, 0]  # N

    # Cross-entropy is convex in 1/T, so its slope has one sign below the best 1/T and the other above it.
    def too_hot(temperature: float) -> bool:
        expected = ((logits / temperature).softmax(dim=1) * logits).sum(dim=1)  # N
        return bool((expected - right).sum() <= 0)  # 0 where all are right, and so sure that the others round to 0

    low, high = math.log(COLDEST), math.log(HOTTEST)
    if too_hot(COLDEST):
        return COLDEST
    if not too_hot(HOTTEST):
        return HOTTEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if too_hot(math.exp(middle)) else (middle, high)
    return math.exp((low + high) / 2)


def _checked(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits as float64 and labels as int64, on the CPU, if both can be what they are called."""
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor, N×classes, not of type {type(logits).__name__}")
    if logits.ndim != 2:
        raise ValueError(f"logits are N×classes, a row for each image, but these are {by(logits.shape) or 'a number'}")
    if 0 in logits.shape:
        raise ValueError(f"there is nothing to measure: these logits are {by(logits.shape)}")
    if not logits.is_floating_point():
        raise ValueError(f"logits are floating-point numbers, but these are {kind_of_number(logits.dtype)}")
    if not logits.isfinite().all():
        raise ValueError(
            "the logits have numbers that are infinite or NaN. If they are the log of probabilities, some of these "
            "are 0: take probabilities.clamp(min=1e-30).log()"
        )
    if are_probabilities(logits):
        raise ValueError("these are probabilities, but logits are needed: give their log()")
    logits = logits.detach().cpu().double()  # some accelerators have no float64
    labels = as_labels(labels, len(logits), logits.device)
    check_labels(labels, classes=logits.shape[1])
    return logits, labels
