"""Images and labels gathered from a folder of pictures, or from another data set."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset
from tqdm import tqdm

from cnncourse._text import by, count, printable
from cnncourse.data import pictures
from cnncourse.data._arrays import as_bytes, as_tensor
from cnncourse.data.pictures import EXTENSIONS, PictureError

TEST, VALID = {"test", "testing"}, {"val", "valid", "validation", "dev"}
PARTS = {"train", "training"} | TEST | VALID
IMAGE_KEYS = ("image", "img", "pixel_values", "picture", "images")
LABEL_KEYS = ("label", "labels", "fine_label", "coarse_label", "target", "class", "y")
T = TypeVar("T")
LISTED = 5  # files that an error names


def read_folder(
    folder: Path, size: int | tuple[int, int] | None, channels: int | None, scaling: str, skip_broken: bool
) -> tuple[Tensor, Tensor, list[str]]:
    """Read what `ImageSet.from_folder` describes, `without_warnings` around it.

    Returns:
        images uint8 N×C×H×W, labels int64 N, and the names of the classes.
    """
    pictures.check_scaling(scaling)
    wanted = None if size is None else pictures.image_size(size)
    pictures.check_channels(channels)
    classes, files, labels, left_out = list_pictures(folder)
    broken: dict[Path, str] = {}
    sizes, grey = set(), True

    def look(file: Path) -> tuple[tuple[int, int], bool]:
        with pictures.open_picture(file) as picture:
            return pictures.turned_size(picture) if wanted is None else wanted, pictures.is_grey(picture)

    if wanted is None or channels is None:
        for looked in for_each(look, files, "looking at sizes", broken):
            sizes.add(looked[0])
            grey &= looked[1]
    shape = wanted or pictures.only_size(sizes, f"the pictures in {folder}") or (1, 1)
    channels = channels or (1 if grey else 3)

    def read(file: Path) -> tuple[Path, Tensor]:
        with pictures.open_picture(file) as picture:
            return file, pictures.pixels(picture, channels, shape, scaling)

    images = torch.empty(len(files), channels, *shape, dtype=torch.uint8)
    places = {file: place for place, file in enumerate(files)}
    for file, image in for_each(read, [file for file in files if file not in broken], "reading", broken):
        images[places[file]] = image

    if left_out:
        print(printable(f"{folder}: left out {left_out}."))
    if broken:
        report_broken(folder, broken, skip_broken)
        good = torch.tensor([file not in broken for file in files])
        images, labels = images[good], labels[good]
        empty = [name for label, name in enumerate(classes) if not (labels == label).any()]
        if empty:
            raise ValueError(f"the class {empty[0]!r} in {folder} has no picture that can be read")
    return images, labels, classes


def for_each(function: Callable[[Path], T], files: list[Path], title: str, broken: dict[Path, str]) -> Iterator[T]:
    """Call a function with each file, several side by side, with a progress bar; note in `broken` what can't be read.

    Yields what the function returned, in the files' order.
    """

    def attempt(file: Path) -> T | None:
        try:
            return function(file)
        except FileNotFoundError:
            broken[file] = "it is a link to a file that is not there"
        except PictureError as error:
            broken[file] = str(error)
        return None

    pool = ThreadPoolExecutor(os.cpu_count())  # Pillow decodes side by side
    try:
        for returned in tqdm(pool.map(attempt, files), title, len(files), unit="picture", leave=False):
            if returned is not None:
                yield returned
    finally:
        pool.shutdown(cancel_futures=True)  # what is not begun, after Ctrl-C


def list_pictures(folder: Path) -> tuple[list[str], list[Path], Tensor, str]:
    """Find the classes of a folder, its pictures, and the label of each; and say what is left out, if there is."""
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Give the folder that has a folder of pictures for each class.")
    inside = sorted(path for path in folder.iterdir() if not is_hidden(path.name))
    classes = [path.name for path in inside if path.is_dir()]
    expected = f"A folder of pictures has a folder for each class, for example {folder.name}/cat and {folder.name}/dog."
    if not classes:
        loose = sum(is_picture(path) for path in inside)
        found = (
            f"has {count(loose, 'picture')}, but no folders"
            if loose
            else "is empty"
            if not inside
            else "has no folders"
        )
        raise ValueError(f"{folder} {found}. {expected}")
    if {name.lower() for name in classes} <= PARTS:
        first = folder / classes[0]
        if any(path.is_dir() for path in first.iterdir()):
            raise ValueError(
                f"{folder} has the parts {', '.join(classes)}. Read one of them: from_folder({str(first)!r})"
            )
    if len(classes) == 1:
        deeper = sum(path.is_dir() and not is_hidden(path.name) for path in (folder / classes[0]).iterdir())
        hint = f"Are the classes one folder deeper, in {folder / classes[0]}?" if deeper > 1 else expected
        raise ValueError(f"{folder} has one class, {classes[0]!r}; a classifier needs at least two. {hint}")
    by_case: dict[str, str] = {}
    for name in classes:
        if name.casefold() in by_case:
            raise ValueError(
                f"{folder} has two classes whose names differ by case only: {by_case[name.casefold()]!r} and {name!r}. "
                "Other systems take them for one: rename one, or put their pictures together."
            )
        by_case[name.casefold()] = name
    files, labels, others = [], [], [path for path in inside if not path.is_dir()]
    for label, name in enumerate(classes):
        found_files = list(walk(folder / name))
        pictures_of_class = sorted(file for file in found_files if is_picture(file))
        if not pictures_of_class:
            kinds = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
            raise ValueError(
                f"the class {name!r} in {folder} has no pictures. Pictures are files of the kinds {kinds}."
            )
        others += sorted(file for file in found_files if not is_picture(file))
        files += pictures_of_class
        labels += [label] * len(pictures_of_class)
    left_out = ""
    if others:
        example = f"for example {others[0].relative_to(folder)}"
        left_out = f"{count(len(others), 'file')} that are no pictures, or in no folder of a class, {example}"
    return classes, files, torch.tensor(labels), left_out


def walk(folder: Path) -> Iterator[Path]:
    """Find the files in a folder and in those inside it, also behind links, none of them hidden."""
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(root))
        folders[:] = [
            name for name in folders if not is_hidden(name) and os.path.realpath(Path(root, name)) not in seen
        ]
        yield from (Path(root, name) for name in names if not is_hidden(name))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is one that systems make for themselves."""
    return name.startswith(".") or name.lower() in {"thumbs.db", "desktop.ini", "__macosx"}


def is_picture(path: Path) -> bool:
    """Tell by its name whether a file is a picture."""
    return path.suffix.lower() in EXTENSIONS


def named_split(*words: str) -> str:
    """Return the split that one of these words, from the name of a folder or a data set, is for; else "train"."""
    said = {word.lower() for word in words}
    return "test" if said & TEST else "valid" if said & VALID else "train"


def report_broken(folder: Path, broken: dict[Path, str], skip: bool) -> None:
    """Name the files that can't be read: in an error, or, where they are skipped, in a printed line."""
    lines = [f"  {file.relative_to(folder)}: {reason}" for file, reason in sorted(broken.items())]
    if len(lines) > LISTED:
        lines[LISTED:] = [f"  and {len(lines) - LISTED} more"]
    text = f"{count(len(broken), 'file')} in {folder} can't be read:\n" + "\n".join(lines)
    if not skip:
        raise ValueError(f"{text}\nMend or delete them, or leave them out with skip_broken=True.")
    print(printable(f"{text}\nLeft out."))


def read_dataset(
    dataset: Any,
    size: int | tuple[int, int] | None,
    channels: int | None,
    scaling: str,
    image_key: str | None,
    label_key: str | None,
) -> tuple[Tensor, list[Any]]:
    """Read what `ImageSet.from_dataset` describes: images uint8 N×C×H×W, and a label for each."""
    pictures.check_scaling(scaling)
    pictures.check_channels(channels)
    if isinstance(dataset, Mapping):
        raise TypeError(f"the data set has parts, {', '.join(map(repr, dataset))}; give one of them: dataset[…]")
    indexed = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    if not indexed or isinstance(dataset, IterableDataset):
        raise TypeError(
            f"{type(dataset).__name__} has no length or no items by index; take a data set of the map style, "
            "or collect its items in a list first"
        )
    if len(dataset) == 0:
        raise ValueError("the data set is empty")
    wanted = None if size is None else pictures.image_size(size)
    found, labels = [], []
    for place in tqdm(range(len(dataset)), "reading", unit="image", leave=False):
        image, label = image_and_label(dataset[place], image_key, label_key)
        try:
            picture = as_picture(image)
            shape = wanted or pictures.turned_size(picture)
            kind = channels or (1 if pictures.is_grey(picture) else 3)
            found.append(pictures.pixels(picture, kind, shape, scaling))
        except ValueError as error:
            raise ValueError(f"image {place} can't be taken over: {error}") from error
        labels.append(plain(label))
    pictures.only_size(((image.shape[1], image.shape[2]) for image in found), "the images")
    if len({len(image) for image in found}) > 1:  # grey ones among colour: in colour all
        found = [image.expand(3, -1, -1) for image in found]
    return torch.stack(found), labels


def image_and_label(item: Any, image_key: str | None, label_key: str | None) -> tuple[Any, Any]:
    """Return image and label of an item: of a dict by their keys, else the first two."""
    if isinstance(item, Mapping):
        keys = [
            [key for key in (usual if given is None else [given]) if key in item]
            for given, usual in ((image_key, IMAGE_KEYS), (label_key, LABEL_KEYS))
        ]
        if any(len(possible) != 1 for possible in keys):
            raise ValueError(
                f"an item has the keys {', '.join(map(repr, item))}; say which are image and label: "
                "image_key=…, label_key=…"
            )
        return item[keys[0][0]], item[keys[1][0]]
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise ValueError(f"an item must be a pair of image and label, or a dict, not a {type(item).__name__}")


def as_picture(image: Any) -> Any:
    """Return a picture of Pillow from one, from a tensor C×H×W or H×W×C, or from an array H×W, H×W×C or C×H×W.

    Where either end of the shape can be the channels, it is the first of a tensor and the last of an array, as usual.
    """
    from PIL import Image

    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, Tensor | np.ndarray):
        raise ValueError(f"it is a {type(image).__name__}, not a picture, a tensor C×H×W or an array H×W×C")
    values, channels = as_tensor(image, "an image"), (1, 3, 4)  # 4: the last is transparency
    first, last = (values.ndim == 3 and values.shape[axis] in channels for axis in (0, -1))
    if first and (isinstance(image, Tensor) or not last):
        values = values.permute(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.numel() == 0 or not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in channels)):
        raise ValueError(f"its shape is {by(image.shape)}, not C×H×W or H×W×C with 1, 3 or 4 channels")
    return Image.fromarray(as_bytes(values).contiguous().numpy())


def plain(label: Any) -> Any:
    """Return a label as a plain number or text."""
    array = label.numpy() if isinstance(label, Tensor) else label
    return array.item() if isinstance(array, np.generic | np.ndarray) and array.size == 1 else array


def known_split(dataset: Any) -> str:
    """Return "test" if a data set, or one that it is a part or a sum of, says so, else "valid" in the same way."""
    split = getattr(dataset, "split", None)
    if split is None or callable(split):  # as ImageSet.split
        split = getattr(dataset, "split_name", "")
    inner = [getattr(dataset, "dataset", None), *getattr(dataset, "datasets", ())]
    said = {known_split(each) for each in inner if each is not None}
    said.add(named_split(*re.findall("[a-zA-Z]+", str(split))))
    if getattr(dataset, "train", None) is False or "test" in said:
        return "test"
    return "valid" if "valid" in said else "train"


def known_classes(dataset: Any, label_key: str | None) -> list[str] | None:
    """Return the names of the classes, where a data set, or those that it is a part or a sum of, know them."""
    features = getattr(dataset, "features", None)
    if isinstance(features, Mapping):
        for key in [label_key] if label_key else LABEL_KEYS:
            if names := getattr(features.get(key), "names", None):
                return list(names)
    classes = getattr(dataset, "classes", None)
    if classes is not None:
        return [str(name) for name in classes]
    inner = [getattr(dataset, "dataset", None), *getattr(dataset, "datasets", ())]
    known = [known_classes(each, label_key) for each in inner if each is not None]
    return known[0] if known and all(each == known[0] for each in known) else None
