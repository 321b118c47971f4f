"""Arrays of the usual layouts and types, as an `ImageSet` keeps them."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cnncourse._text import by, kind_of_number

CHANNELS = (1, 3)


def as_images(images: Any) -> Tensor:
    """Return images as uint8 N×C×H×W.

    Args:
        images: a tensor, an array or a list of such, all of one size: N×C×H×W, N×H×W×C or, if grey, N×H×W; uint8, other
            whole numbers from 0 to 255, bool, or floats in [0, 1].

    Raises:
        ValueError: they are something else; says what was found, and what to do.
    """
    given = as_tensor(images, "images")
    return as_bytes(_channels_first(given, images)).contiguous()


def as_labels(labels: Any, classes: Sequence[str] | None) -> tuple[Tensor, list[str] | None]:
    """Return labels as int64 N, and the classes, if the labels are names.

    Raises:
        ValueError: they are no labels; says what was found, and what to do.
    """
    # An array of texts, or one of pandas, as a list.
    values = labels if isinstance(labels, Tensor | Sequence) or not hasattr(labels, "tolist") else labels.tolist()
    if isinstance(values, Sequence) and values and all(isinstance(value, str) for value in values):
        names = list(classes) if classes is not None else sorted(set(values))
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ValueError(f"the label {unknown[0]!r} is no class. Classes: {', '.join(names)}.")
        places = {name: place for place, name in enumerate(names)}
        return torch.tensor([places[value] for value in values]), names
    found = as_tensor(labels, "labels")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2:
        raise ValueError(
            f"labels must be of shape N, one number for each image, not {by(found.shape)}; "
            "are they one-hot? Then give labels.argmax(1)"
        )
    if found.ndim != 1:
        raise ValueError(f"labels must be of shape N, one number for each image, not {by(found.shape) or 'one number'}")
    if (found.is_floating_point() or found.is_complex()) and found.numel():
        raise ValueError(
            f"labels must be whole numbers, the indices of classes, not {kind_of_number(found.dtype)}; give int64"
        )
    return found.long(), list(classes) if classes is not None else None


def statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, with pixels in [0, 1]; 1 for a channel of one value.

    Args:
        images: uint8 N×C×H×W, at least one.
    """
    if images.numel() == 0:
        raise ValueError("there are no images to take a mean and a standard deviation of; give mean= and std=")
    means, deviations = [], []
    values = torch.arange(256, dtype=torch.float64) / 255
    for channel in range(images.shape[1]):  # a byte has 256 values: counting them is exact, and needs little memory
        counts = torch.zeros(256, dtype=torch.float64)
        for part in torch.tensor_split(images[:, channel], len(images) // 1000 + 1):
            counts += torch.bincount(part.flatten(), minlength=256)
        share = counts / counts.sum()
        mean = float((share * values).sum())
        means.append(mean)
        deviations.append(float((share * (values - mean) ** 2).sum().sqrt()) or 1.0)
    return tuple(means), tuple(deviations)


def channel_numbers(numbers: Any, name: str) -> tuple[float, ...]:
    """Return a number, or one for each channel, as a tuple."""
    try:
        found = tuple(float(number) for number in ([numbers] if isinstance(numbers, Real) else numbers))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number for each channel, for example (0.5,), not {numbers!r}") from error
    if not all(np.isfinite(found)) or (name == "std" and any(number <= 0 for number in found)):
        raise ValueError(f"{name} must be finite{', and above 0' if name == 'std' else ''}, not {found}")
    return found


def as_tensor(values: Any, what: str) -> Tensor:
    """Return a tensor, an array or a list as a tensor.

    Raises:
        ValueError: it can't be made one; `what` names it.
    """
    if isinstance(values, Tensor):
        wide = values.dtype in (torch.uint16, torch.uint32, torch.uint64)  # which torch knows only in part
        return values.detach().long() if wide else values.detach()
    try:
        if isinstance(values, list | tuple) and values and all(isinstance(value, Tensor) for value in values):
            return torch.stack([value.detach() for value in values])
        array = np.asarray(values)
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.int64)
        array = array if array.flags.writeable else array.copy()
        return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C", copy=None))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{what} must be one tensor or array, all of one size; these can't be made one: {error}"
        ) from error


def _channels_first(images: Tensor, given: Any) -> Tensor:
    if images.ndim == 3:
        return images[:, None]
    if images.ndim != 4:
        raise ValueError(
            f"images must be of shape N×C×H×W, N×H×W×C or N×H×W, not {by(images.shape) or 'one number'}; "
            "a single image needs a first axis of 1: image[None]"
        )
    first, last = images.shape[1] in CHANNELS, images.shape[3] in CHANNELS
    if last and not first:
        return images.permute(0, 3, 1, 2)
    if first and (isinstance(given, Tensor) or not last or images.shape[1:] == (1, 1, 1)):
        return images
    if isinstance(given, Tensor) and images.shape[1] < min(images.shape[2:]):  # bands, as of a satellite
        return images
    if first:
        raise ValueError(
            f"of shape {by(images.shape)}, either axis 1 or axis 3 can be the channels; "
            "give a tensor N×C×H×W: torch.from_numpy(images)"
        )
    four = images.shape[3] == 4 or images.shape[1] == 4
    raise ValueError(
        f"images have 1 or 3 channels, on axis 1 or on axis 3; of shape {by(images.shape)} neither has. "
        + (
            "Is the fourth channel transparency? Leave it away: images[..., :3]"
            if four
            else "Images of other channels are a tensor N×C×H×W"
        )
    )


def as_bytes(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images
    if images.dtype == torch.bool:
        return images.to(torch.uint8) * 255
    if images.is_complex():
        raise ValueError(f"images must be uint8 from 0 to 255, or floats in [0, 1], not {kind_of_number(images.dtype)}")
    if images.numel() == 0:
        return images.to(torch.uint8)
    low, high = (value.item() for value in images.aminmax())
    found = f"these are {kind_of_number(images.dtype)} from {low:.4g} to {high:.4g}"
    if images.is_floating_point():
        if not (np.isfinite(low) and np.isfinite(high)) or not bool(images.isfinite().all()):
            raise ValueError(f"images have values that are infinite or not a number: {found}")
        if low < 0:
            raise ValueError(
                f"floats must be in [0, 1], but {found}. Are they normalised already? Give them before that"
            )
        if high > 1:
            raise ValueError(
                f"floats must be in [0, 1], but {found}. Divide them by the largest value that a pixel can have"
            )
        return (images * 255).round().to(torch.uint8)
    if low < 0 or high > 255:
        raise ValueError(f"whole numbers must be from 0 to 255, but {found}")
    if high == 1:
        raise ValueError(f"pixels of 0 and 1 would both be black: {found}. Give them as bool, or as floats")
    return images.to(torch.uint8)
