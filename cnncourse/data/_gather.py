"""Images and labels gathered from a folder of pictures, or from another data set."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from cnncourse._text import by, count, printable
from cnncourse.data import pictures
from cnncourse.data._arrays import as_bytes
from cnncourse.data.pictures import EXTENSIONS, PictureError

PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
IMAGE_KEYS = ("image", "img", "pixel_values", "picture", "images")
LABEL_KEYS = ("label", "labels", "fine_label", "target", "class", "y")
LISTED = 5  # files that an error names


def read_folder(
    folder: Path, size: int | tuple[int, int] | None, channels: int | None, scaling: str, skip_broken: bool
) -> tuple[Tensor, Tensor, list[str]]:
    """Read what `ImageSet.from_folder` describes: images uint8 N×C×H×W, labels int64 N, and the classes."""
    pictures.check_scaling(scaling)
    wanted = None if size is None else pictures.image_size(size)
    if channels not in (None, 1, 3):
        raise ValueError(f"channels are 1 for grey or 3 for colour, not {channels!r}")
    classes, files, labels = list_pictures(folder)

    broken: dict[Path, str] = {}
    sizes, grey = {}, True
    for file in files:  # by their headers, which is fast
        try:
            with pictures.open_picture(file) as picture:
                sizes[file] = pictures.turned_size(picture)
                grey &= pictures.is_grey(picture)
        except PictureError as error:
            broken[file] = str(error)
    if wanted is None:
        found = sorted(set(sizes.values()))
        if len(found) > 1:
            raise ValueError(
                f"the pictures in {folder} have {len(found)} sizes, from {by(found[0])} to {by(found[-1])} "
                "(height×width); say which size all images shall have, for example size=64"
            )
        wanted = found[0] if found else (1, 1)
    channels = channels or (1 if grey else 3)
    images = torch.zeros(len(files), channels, *wanted, dtype=torch.uint8)

    def read(place: int) -> None:
        file = files[place]
        if file not in broken:
            try:
                with pictures.open_picture(file) as picture:
                    images[place] = pictures.pixels(picture, channels, wanted, scaling)
            except PictureError as error:
                broken[file] = str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes side by side
        for _ in tqdm(pool.map(read, range(len(files))), "reading", len(files), unit="picture", leave=False):
            pass
    if broken:
        report_broken(folder, broken, skip_broken)
        good = torch.tensor([file not in broken for file in files])
        images, labels = images[good], labels[good]
        empty = [name for label, name in enumerate(classes) if not (labels == label).any()]
        if empty:
            raise ValueError(f"the class {empty[0]!r} in {folder} has no picture that can be read")
    return images, labels, classes


def list_pictures(folder: Path) -> tuple[list[str], list[Path], Tensor]:
    """Find the classes of a folder, its pictures, and the label of each."""
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Give the folder that has a folder of pictures for each class.")
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
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
        raise ValueError(f"{folder} has one class, {classes[0]!r}; a classifier needs at least two. {expected}")
    by_case: dict[str, str] = {}
    for name in classes:
        if name.casefold() in by_case:
            raise ValueError(
                f"{folder} has two classes whose names differ by case only: {by_case[name.casefold()]!r} and {name!r}. "
                "Other systems take them for one: rename one, or put their pictures together."
            )
        by_case[name.casefold()] = name
    files, labels = [], []
    for label, name in enumerate(classes):
        found_files = sorted(
            Path(root) / file
            for root, folders, names in os.walk(folder / name, followlinks=True)
            for file in names
            if is_picture(Path(root) / file)
        )
        if not found_files:
            kinds = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
            raise ValueError(
                f"the class {name!r} in {folder} has no pictures. Pictures are files of the kinds {kinds}."
            )
        files += found_files
        labels += [label] * len(found_files)
    return classes, files, torch.tensor(labels)


def is_picture(path: Path) -> bool:
    """Tell by its name whether a file is a picture."""
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


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
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
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
    shapes = sorted({tuple(image.shape[1:]) for image in found})
    if len(shapes) > 1:
        raise ValueError(
            f"the images have {len(shapes)} sizes, from {by(shapes[0])} to {by(shapes[-1])} (height×width); "
            "say which size all shall have, for example size=64"
        )
    if len({len(image) for image in found}) > 1:  # grey ones among colour: in colour all
        found = [image.expand(3, -1, -1) for image in found]
    return torch.stack(found), labels


def image_and_label(item: Any, image_key: str | None, label_key: str | None) -> tuple[Any, Any]:
    """Return image and label of an item: of a dict by their keys, else the first two."""
    if isinstance(item, dict):
        keys = [
            given if given is not None else next((key for key in usual if key in item), None)
            for given, usual in ((image_key, IMAGE_KEYS), (label_key, LABEL_KEYS))
        ]
        if any(key not in item for key in keys):
            raise ValueError(
                f"an item has the keys {', '.join(map(repr, item))}; say which are image and label: "
                "image_key=…, label_key=…"
            )
        return item[keys[0]], item[keys[1]]
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise ValueError(f"an item must be a pair of image and label, or a dict, not a {type(item).__name__}")


def as_picture(image: Any) -> Any:
    """Return a picture of Pillow from one, from a tensor C×H×W, or from an array H×W or H×W×C."""
    from PIL import Image

    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, Tensor | np.ndarray):
        raise ValueError(f"it is a {type(image).__name__}, not a picture, a tensor C×H×W or an array H×W×C")
    values = torch.as_tensor(image)
    if values.ndim == 3 and (isinstance(image, Tensor) or values.shape[2] not in (1, 3)) and values.shape[0] in (1, 3):
        values = values.permute(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 3)):
        raise ValueError(f"its shape is {by(torch.as_tensor(image).shape)}, not C×H×W or H×W×C with 1 or 3 channels")
    return Image.fromarray(as_bytes(values).contiguous().numpy())


def plain(label: Any) -> Any:
    """Return a label as a plain number or text."""
    array = label.numpy() if isinstance(label, Tensor) else label
    return array.item() if isinstance(array, np.generic | np.ndarray) and array.size == 1 else array


def says_test(dataset: Any) -> bool:
    """Tell whether a data set, or the one that it is a part of, says that it is a test split."""
    split = getattr(dataset, "split", getattr(dataset, "split_name", ""))
    if getattr(dataset, "train", None) is False or (not callable(split) and str(split).lower().startswith("test")):
        return True
    inner = [getattr(dataset, "dataset", None), *getattr(dataset, "datasets", ())]
    return any(says_test(each) for each in inner if each is not None)


def known_classes(dataset: Any, label_key: str | None) -> Sequence[str] | None:
    """Return the names of the classes, where a data set knows them."""
    features = getattr(dataset, "features", None)
    keys = [label_key] if label_key else LABEL_KEYS
    if isinstance(features, dict):
        names = next((features[key].names for key in keys if hasattr(features.get(key), "names")), None)
        if names:
            return list(names)
    classes = getattr(dataset, "classes", None)
    if classes is None and getattr(dataset, "dataset", None) is not None:
        return known_classes(dataset.dataset, label_key)
    return [str(name) for name in classes] if classes is not None else None
