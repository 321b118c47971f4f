"""The arrays of MNIST, Fashion-MNIST and CIFAR-10: from the cache, else downloaded, always checked."""

import hashlib
import os
import sys
import tempfile
import warnings
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnncourse import settings
from cnncourse.data._downloads import LEAVE_SLOW, SOURCES, Unavailable


class Sums(NamedTuple):
    """What a part of a set must be: its images' shape N×C×H×W, and SHA-256 sums of the uint8 bytes.

    The images' sum is taken in the order N×H×W×C, in which pictures and torchvision's arrays have their pixels.
    """

    shape: tuple[int, ...]
    images: str
    labels: str


SETS = {
    "MNIST": {
        "train": Sums(
            (60000, 1, 28, 28),
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        ),
        "test": Sums(
            (10000, 1, 28, 28),
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    },
    "FashionMNIST": {
        "train": Sums(
            (60000, 1, 28, 28),
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        ),
        "test": Sums(
            (10000, 1, 28, 28),
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
    },
    "CIFAR10": {
        "train": Sums(
            (50000, 3, 32, 32),
            "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
            "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        ),
        "test": Sums(
            (10000, 3, 32, 32),
            "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
            "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ),
    },
}


class SourceError(RuntimeError):
    """A full data set that could not be had, or not be kept; the text names the ways out."""


def arrays(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The full data set `name`, part "train" or "test": images uint8 N×C×H×W, labels int64 N.

    Looks in the cache (`settings.data_dir()`), then asks each of `downloads.SOURCES[name]`; whatever answers must
    give the very pixels that `SETS` describes. Raises ValueError for a set or split that does not exist,
    SourceError where nothing answers.
    """
    check_names(name, split)
    pair = _read(name, split)
    if pair is None:
        pairs, _ = _download(name)
        try:
            _keep(name, pairs)
        except SourceError as error:
            warnings.warn(f"{error} Until then it is downloaded again each time.", stacklevel=2)
        pair = pairs[split]
    images, labels = pair
    return images, labels.astype(np.int64)


def sample_arrays(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The bundled sample of the same data, in the form of `arrays`: 2,000 training or 500 test images."""
    check_names(name, split)
    with np.load(settings.files("sample") / f"{name}.npz") as file:
        return file[f"{split}_images"], file[f"{split}_labels"].astype(np.int64)


def fetch(name: str) -> str:
    """Make sure that the cache holds both parts of `name`; return "cache", or the source that gave them.

    Raises ValueError for a set that does not exist, SourceError where nothing answers or nothing can be kept.
    """
    check_names(name)
    if all(_read(name, split) is not None for split in SETS[name]):
        return "cache"
    _keep(name, {})  # a folder that takes no files is better known before the download
    pairs, source = _download(name)
    _keep(name, pairs)
    return source


def check_names(name: str, split: str = "train") -> None:
    """Raise ValueError, naming the known ones, unless there is a data set `name` with a part `split`."""
    if name not in SETS:
        raise ValueError(f"There is no data set {name!r}. Known sets: {', '.join(SETS)}.")
    if split not in SETS[name]:
        raise ValueError(f"{name} has no split {split!r}. Known splits: {', '.join(SETS[name])}.")


def cache_file(name: str, split: str) -> Path:
    """The file that keeps one part of a set: `images` and `labels` in an uncompressed .npz."""
    return settings.data_dir() / f"{name}-{split}.npz"


def _read(name: str, split: str) -> tuple[np.ndarray, np.ndarray] | None:
    path = cache_file(name, split)
    try:
        with path.open("rb") as opened, np.load(opened) as file:  # np.load by itself leaves a damaged file open
            pair = file["images"], file["labels"]
        _check(pair, SETS[name][split])
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file can fail in any way
        reason = error.strerror if isinstance(error, PermissionError) else "it is damaged"
        print(f"{path} cannot be used ({reason}): {name} is fetched again.", file=sys.stderr)
        return None
    return pair


def _download(name: str) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], str]:
    failures = []
    last = [*SOURCES[name]][-1:]
    for source, get in SOURCES[name].items():
        print(f"{name}: asking {source}", file=sys.stderr)
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                context = copy_context()
                context.run(LEAVE_SLOW.set, [source] != last)  # the last one is waited for: Ctrl-C ends it
                found = context.run(get, Path(folder))
            pairs = {split: (_channels_first(images), labels) for split, (images, labels) in found.items()}
            for split, sums in SETS[name].items():
                _check(pairs[split], sums)
            return pairs, source
        except Exception as error:  # whatever is wrong with one source, the next may be right
            failures.append(f"  {source}: {_few_words(error)}")
    raise SourceError(
        f"{name} is not in {settings.data_dir()}, and no source gave it:\n"
        + "\n".join(failures)
        + "\nThree ways out:\n"
        f"  connect this machine to the internet and run `make data` (or `python -m cnncourse.data {name}`);\n"
        f"  bring {' and '.join(cache_file(name, split).name for split in SETS[name])} from a machine"
        " that has them into that folder, or into another that CNNCOURSE_DATA names;\n"
        f"  use the small bundled sample: load({name!r}, …, allow_sample=True)."
    )


def _check(pair: tuple[np.ndarray, np.ndarray], sums: Sums) -> None:
    images, labels = pair
    if images.shape != sums.shape or images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise ValueError("not the expected arrays")
    pixels = hashlib.sha256()
    for start in range(0, len(images), 1000):  # in pieces: a turned copy of all would cost memory and time
        pixels.update(np.ascontiguousarray(images[start : start + 1000].transpose(0, 2, 3, 1)))
    if pixels.hexdigest() != sums.images or hashlib.sha256(labels).hexdigest() != sums.labels:
        raise ValueError("the pixels or labels are not the expected ones")


def _keep(name: str, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write each part under a temporary name, then move it into place, so that no reader sees half a file."""
    folder = settings.data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
            for split, (images, labels) in pairs.items():
                file = Path(part) / f"{split}.npz"
                np.savez(file, images=images, labels=labels)
                os.replace(file, cache_file(name, split))
    except OSError as error:
        raise SourceError(
            f"{name} cannot be kept in {folder} ({_few_words(error)}). "
            "Make room there, or set CNNCOURSE_DATA to a folder that you can write to."
        ) from error


def _channels_first(images: np.ndarray) -> np.ndarray:
    return images[:, None] if images.ndim == 3 else np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _few_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (Unavailable, ValueError)) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"
