"""What a loader gives, as tensors that fit a network; or an error in the reader's words.

`cnncourse.train` and `cnncourse.analysis` take every batch through these functions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler

from cnncourse._text import by, kind_of_number
from cnncourse.data import Preprocessing

Batches = Iterable[tuple[Tensor, Tensor]]
IMAGE_KEYS, LABEL_KEYS = ("image", "images", "img", "pixel_values"), ("label", "labels")
NOT_BATCHES = "images must come in batches: give a Loader(images, batch_size), not the images themselves"
NO_BATCH = "the loader gave no batch; a loader that is a generator can be used only once"


def check_loader(loader: object) -> None:
    """Refuse what can't be gone through batch by batch."""
    if isinstance(loader, Mapping | str | type) or not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
        raise TypeError(f"a loader gives batches of images and labels, one after the other; this is {_kind(loader)}")


def pairs(loader: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Go through a loader's batches as pairs of images and labels, whatever their types."""
    check_loader(loader)
    for batch in loader:
        yield pair(batch)


def pair(batch: object) -> tuple[Any, Any]:
    """Return the images and the labels of a batch.

    Args:
        batch: a pair, or a dict with one of the keys of Hugging Face's data sets.

    Raises:
        TypeError: it is neither, or it is one image with its label.
    """
    if isinstance(batch, Mapping):
        images, labels = _entry(batch, IMAGE_KEYS), _entry(batch, LABEL_KEYS)
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        images, labels = batch
    elif isinstance(batch, Tensor | np.ndarray) or (isinstance(batch, tuple | list) and len(batch) == 1):
        raise TypeError(
            f"a batch is a pair of images and labels, but this loader gave {_kind(batch)} alone. "
            "If it is one batch that you have, put it into a list: [(images, labels)]"
        )
    else:
        raise TypeError(
            f"a batch is a pair of images and labels, but this loader gave {_kind(batch)}. "
            "Let the data set return image and label only, or give the DataLoader a collate_fn that does"
        )
    if isinstance(labels, Number) or getattr(labels, "ndim", 1) == 0 or isinstance(labels, str):
        raise TypeError(NOT_BATCHES)
    return images, labels


def images_of(batch: Any) -> Any:
    """Return the images of a batch that may have no labels."""
    if isinstance(batch, Mapping):
        return _entry(batch, IMAGE_KEYS)
    if isinstance(batch, tuple | list):
        return batch[0] if len(batch) == 1 else pair(batch)[0]
    return batch


def as_images(values: Any, model: nn.Module) -> Tensor:
    """Return the images of a batch on the model's device, in floating-point numbers of its precision.

    Raises:
        TypeError: they are no tensor.
        ValueError: they are no floating-point numbers.
    """
    images: Tensor = _tensor(values, "images")
    if not images.is_floating_point():
        kind = kind_of_number(images.dtype)
        what = "bytes from 0 to 255, as a picture file has them" if kind == "uint8" else f"numbers of type {kind}"
        raise ValueError(
            f"these images are {what}, but a network takes normalised float32. A Loader over an ImageSet gives them; "
            "by hand it is images.float() / 255, then minus the mean, divided by the standard deviation"
        )
    first = next(model.parameters(), images)
    return images.to(first.device, first.dtype if first.is_floating_point() else images.dtype)


def as_labels(values: Any, number: int, device: torch.device) -> Tensor:
    """Return the labels of a batch of `number` images as int64 N. Whole numbers of any type will do, also N×1.

    Raises:
        TypeError: they are no tensor.
        ValueError: they are not the index of one class for each image.
    """
    labels: Tensor = _tensor(values, "labels")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = ": labels.argmax(dim=1), where they are one-hot or probabilities" if labels.ndim == 2 else ""
        raise ValueError(
            f"labels are N numbers, the index of each image's class, but these are {by(labels.shape) or 'one number'}; "
            f"make indices of them{hint}"
        )
    if labels.is_floating_point() or labels.is_complex():
        kind = kind_of_number(labels.dtype)
        raise ValueError(
            f"labels are whole numbers, the index of each image's class, but these are {kind}: give labels.long()"
        )
    if len(labels) != number:
        raise ValueError(f"this batch has {number} images but {len(labels)} labels")
    if number == 0:
        raise ValueError("this batch has no image; leave such batches out")
    return labels.to(device, torch.int64)


def check_order(loader: object) -> None:
    """Refuse a loader that is not known to go through its data set in order, as torch's samplers may not.

    Raises:
        ValueError: it shuffles, or has a sampler.
    """
    if isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset):
        sampler = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        if type(sampler) is BatchSampler:
            sampler = sampler.sampler
        in_order = type(sampler) is SequentialSampler and (loader.num_workers == 0 or getattr(loader, "in_order", True))
    elif isinstance(loader, Tensor | list | tuple):
        return
    else:
        in_order = not getattr(loader, "shuffle", False)
        for inner in _inside(loader):
            check_order(inner)
    if not in_order:
        raise ValueError(
            "this loader shuffles, so the index of an image would be lost: make one with shuffle=False and no sampler"
        )


def refuse_test_split(loader: object) -> None:
    """Refuse a loader, or a data set, of the test split, however it is wrapped."""
    for data in _all_inside(loader):
        # torchvision's data sets say `train=False` or `split="test"`, an ImageSet says `split_name="test"`.
        splits = [getattr(data, name, "") for name in ("split_name", "split", "_split")]
        if getattr(data, "train", None) is False or any(map(_is_test, splits)) or _is_test_folder(data):
            raise ValueError(
                "fit was given the test split. A model that was trained on it, or chosen by looking at it, can't be "
                "judged by it any more. Use ImageSet.split to make a validation part, and evaluate the test split "
                "once, at the end."
            )


def preprocessing_of(loader: object) -> Preprocessing | None:
    """Return how a loader's images are prepared, where all its data sets say so and agree."""
    said = [getattr(data, "preprocessing", None) for data in _all_inside(loader)]
    found = [each for each in said if isinstance(each, Preprocessing)]
    return found[0] if found and all(each == found[0] for each in found) else None


def _is_test(split: object) -> bool:
    words = re.findall("[a-z]+", str(split).lower())  # also Hugging Face's "test[:50%]" and "train+test"
    return not callable(split) and any(word.startswith("test") for word in words)


def _is_test_folder(data: object) -> bool:
    """Whether this is torchvision's ImageFolder of a folder "test", which knows no other name of its split."""
    root = getattr(data, "root", "")
    return hasattr(data, "class_to_idx") and isinstance(root, str | Path) and Path(root).name == "test"


def _all_inside(loader: object) -> Iterator[Any]:
    """Give a loader and all data sets that it goes back to, each once."""
    seen, waiting = set(), [loader]
    while waiting:
        data = waiting.pop()
        if id(data) not in seen:
            seen.add(id(data))
            yield data
            waiting += _inside(data)


def _inside(data: object) -> list[Any]:
    """Return the loaders and data sets that this one is made of: a Subset's, a ConcatDataset's, a tqdm's …"""
    if isinstance(data, Mapping):
        return list(data.values())
    if isinstance(data, list | tuple):
        return [value for value in data if not isinstance(value, Tensor)]
    attributes = getattr(data, "__dict__", {})
    named = [attributes[name] for name in ("dataset", "datasets", "loader", "iterable") if name in attributes]
    wrapped = [value for value in attributes.values() if isinstance(value, Dataset | DataLoader)]
    return named or (wrapped if len(wrapped) == 1 else [])


def _entry(batch: Mapping[Any, Any], keys: tuple[str, ...]) -> Any:
    found = [key for key in keys if key in batch]
    if len(found) != 1:
        there = ", ".join(map(str, batch))
        raise TypeError(
            f"this batch is a dict with the keys {there}, and which of them are the images and the labels is not "
            f'clear. Call them "image" and "label" (a Hugging Face data set has rename_column), or give pairs'
        )
    return batch[found[0]]


def _tensor(value: Any, what: str) -> Tensor:
    if isinstance(value, Tensor):
        return value
    try:
        if isinstance(value, np.ndarray):
            return torch.from_numpy(np.array(value, order="C"))  # a copy: it may be read-only, or go backwards
        if isinstance(value, list | tuple) and what == "labels":
            return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{what} must be numbers in a tensor, but these are {_kind(value)}: {error}") from error
    stack = ": torch.stack(images) makes one of a list" if isinstance(value, list | tuple) else ""
    raise TypeError(f"{what} must be a tensor, but these are {_kind(value)}{stack}")


def _kind(value: object) -> str:
    """Name what something is, for the end of a sentence."""
    if isinstance(value, Tensor | np.ndarray):
        return f"a {'tensor' if isinstance(value, Tensor) else 'NumPy array'} of {by(value.shape) or 'one number'}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"of type {type(value).__name__}"
