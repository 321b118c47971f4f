"""What the pad and the exported file ask of a model: its images, one number for each class, and how sure it may be."""

from numbers import Real
from typing import Any

from torch import Tensor, nn

from cnncourse._model import bare
from cnncourse._text import by
from cnncourse.data import ImageSet, Preprocessing

WAY_OUT = 'for example the training set itself, or load("MNIST", "train").preprocessing'


def preprocessing_of(model: nn.Module, given: Preprocessing | ImageSet | None = None) -> Preprocessing:
    """Return how the images of a model are prepared: as given, else as the model itself carries it.

    Raises:
        TypeError: the model is not an `nn.Module`, or what is given says nothing about images.
        ValueError: nothing is known of its images, they are not those that the model takes, or no page can show them.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"the pad takes a model, an nn.Module, not a {type(model).__name__}")
    name = type(bare(model)).__name__
    if given is None:
        carried = [getattr(each, "preprocessing", None) for each in (model, bare(model))]
        given = next((each for each in carried if isinstance(each, Preprocessing | ImageSet)), None)
        if given is None:
            raise ValueError(
                f"how the images of {name} are prepared is not known: neither their classes nor their mean and std. "
                f"Say it with preprocessing=, {WAY_OUT}"
            )
    if isinstance(given, ImageSet):
        given = given.preprocessing
    if not isinstance(given, Preprocessing):
        raise TypeError(f"preprocessing is a Preprocessing or an ImageSet, {WAY_OUT}; this is a {type(given).__name__}")
    own, shape = getattr(bare(model), "input_shape", None), given.input_shape
    if own is not None and tuple(own) != shape:
        raise ValueError(
            f"{name} takes images of {by(own)}, but the preprocessing is of images of {by(shape)}. Give that of the "
            "images that it was trained on; ImageSet.resize changes their size"
        )
    if shape[0] not in (1, 3):
        raise ValueError(f"{name} takes images of {by(shape)}, but the pad has grey ones (1×H×W) and colour (3×H×W)")
    _check_numbers(given)
    return given


def _check_numbers(preprocessing: Preprocessing) -> None:
    """Refuse what no page could read: unnamed classes, or a mean and std that are no numbers."""
    if not preprocessing.classes or not all(isinstance(name, str) and name for name in preprocessing.classes):
        raise ValueError(f"each class needs a name, but the preprocessing has {preprocessing.classes}")
    for name in ("mean", "std"):
        values = getattr(preprocessing, name)
        if not all(isinstance(value, Real) and abs(value) < float("inf") for value in values):  # type: ignore[operator]
            raise ValueError(f"the {name} of each channel must be a number, but the preprocessing has {values}")
    if 0 in preprocessing.std:
        raise ValueError("the std of a channel is 0, as of images that are all alike: nothing can be divided by it")


def check_sureness(model: nn.Module, temperature: float | None, sure: float | None) -> tuple[float, float]:
    """Return a temperature and the probability from which an answer is sure, as Python's own numbers.

    Where they are None, they are what the model carries along, else 1 and 0.

    Raises:
        ValueError: the temperature is no finite number above 0, or the probability is not from 0 to below 1.
    """
    warmth: Any = getattr(bare(model), "temperature", 1.0) if temperature is None else temperature
    least: Any = getattr(bare(model), "sure", 0.0) if sure is None else sure
    if not isinstance(warmth, Real) or not 0 < float(warmth) < float("inf"):
        raise ValueError(
            f"the temperature must be a finite number above 0, as fit_temperature gives it, not {warmth!r}"
        )
    if not isinstance(least, Real) or not 0 <= float(least) < 1:
        raise ValueError(f"sure must be a probability, from 0 to below 1, not {least!r}")
    return float(warmth), float(least)


def check_answer(model: nn.Module, logits: object, number: int, preprocessing: Preprocessing) -> None:
    """Refuse an answer to `number` images that is not one finite number for each class.

    Raises:
        ValueError: says what the model returns, and what to do.
    """
    name, classes = type(model).__name__, len(preprocessing.classes)
    if not isinstance(logits, Tensor) or logits.shape != (number, classes):
        found = by(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise ValueError(
            f"for a batch of {number}, {name} returns {found or 'a single number'}, but its images have {classes} "
            f"classes, so it must be {number}×{classes}. Change its last layers, or give with preprocessing= the "
            "images that it was trained on"
        )
    if not logits.isfinite().all():
        raise ValueError("the model's answer is not a number. Train it again, with a smaller learning rate.")
