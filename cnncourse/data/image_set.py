"""Images with their labels, as tensors that stay in memory."""

import operator
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from cnncourse._text import by, printable
from cnncourse.data._arrays import as_images, as_labels, channel_numbers, statistics
from cnncourse.data.pictures import check_scaling, image_size, without_warnings
from cnncourse.data.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet(Dataset[tuple[Tensor, int]]):
    """Images with their labels, as three plain values and a little more.

    Made from arrays or tensors: `ImageSet(images, labels)`; from a folder of pictures: `ImageSet.from_folder(folder)`;
    from any data set that gives an image and a label: `ImageSet.from_dataset(dataset)`.

    It is a torch `Dataset`: `image_set[i]` is image i, float32 C×H×W, normalised as `Loader`'s batches are, and its
    label. So a `DataLoader` over it, skorch or Lightning train and measure the same. The picture itself is
    `image_set.images[i]`.

    Attributes:
        images: uint8 N×C×H×W, from 0 (black) to 255. Given, they may also be N×H×W×C, or N×H×W if grey; tensors,
            arrays or lists; bool, whole numbers from 0 to 255, or floats in [0, 1]. The axis of length 1 or 3 is the
            channels; where two axes could be, a tensor is N×C×H×W, and an array is refused.
        labels: int64 N, the index of each image's class. Given, they may be any whole numbers, or names of classes.
        classes: the name of each class; "0", "1", … unless given.
        mean, std: of each channel with pixels in [0, 1]; what `Loader` normalises by. Unless given, those of these
            images, std 1 for a channel of one value. The parts of a split keep those of the whole.
        name: the data set's name, for the three of the course as in torchvision.
        split_name: "train", "valid" or "test".
        scaling: how pictures of another size come to that of these images, as in `Preprocessing`.

    Raises:
        ValueError: images, labels, classes, mean or std are something else, or do not fit together.
    """

    images: Any
    labels: Any
    classes: Any = None
    mean: Any = None
    std: Any = None
    name: str = ""
    split_name: str = "train"
    scaling: str = "crop"

    def __post_init__(self) -> None:
        images = as_images(self.images)
        labels, classes = as_labels(self.labels, self.classes)
        if len(images) != len(labels):
            raise ValueError(f"there are {len(images)} images but {len(labels)} labels")
        low, high = (value.item() for value in labels.aminmax()) if len(labels) else (0, -1)
        if classes is None:
            classes = [str(number) for number in range(int(high) + 1)]
        if isinstance(self.classes, str) or not all(isinstance(name, str) for name in classes):
            raise ValueError(f"classes are a list of names, texts, not {self.classes!r}")
        if len(set(classes)) < len(classes):
            [*_, twice] = (name for name in classes if classes.count(name) > 1)
            raise ValueError(f"two classes have the name {twice!r}")
        if low < 0 or high >= len(classes):
            raise ValueError(
                f"labels must be from 0 to {len(classes) - 1}, the indices of the {len(classes)} classes; "
                f"these go from {low} to {high}"
            )
        own = statistics(images) if self.mean is None or self.std is None else ((), ())
        mean, std = (
            own[place] if given is None else channel_numbers(given, name)
            for place, (name, given) in enumerate({"mean": self.mean, "std": self.std}.items())
        )
        if not images.shape[1] == len(mean) == len(std):
            raise ValueError(
                f"images of {images.shape[1]} channels need one mean and one std for each channel, "
                f"not {len(mean)} and {len(std)}"
            )
        check_scaling(self.scaling)
        values = {"images": images, "labels": labels, "classes": tuple(classes), "mean": mean, "std": std}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        scaling: str = "crop",
        skip_broken: bool = False,
        split_name: str | None = None,
    ) -> "ImageSet":
        """Read pictures from a folder that has a folder for each class, as torchvision's `ImageFolder` does.

        PNG, JPEG, WebP, GIF (the first frame), BMP, TIFF: grey, in colour or with a palette, turned as the camera says,
        white where they are transparent. Hidden files are left out, and so are files of other kinds, which a printed
        line counts.

        Args:
            folder: for example with the folders `cat` and `dog`. Their names, sorted, are the classes.
            size: height and width of the images in pixels, or one number for both; without it, all pictures must have
                one size.
            channels: 1 for grey, 3 for colour; without it, grey if all pictures are.
            scaling: "crop" scales a picture until it just covers the size, and cuts it in the middle, as torchvision's
                `Resize` and `CenterCrop` do; "stretch" changes its proportions.
            skip_broken: leave out files that can't be read, and name them, instead of raising an error.
            split_name: "train", "valid" or "test"; without it, what the folder is called, else "train".

        Raises:
            FileNotFoundError: there is no such folder.
            NotADirectoryError: it is a file.
            ValueError: it has no classes or one, a class has no pictures, a file is broken, or sizes differ.
        """
        from cnncourse.data._gather import named_split, read_folder

        folder = Path(folder).expanduser()
        with without_warnings():
            images, labels, classes = read_folder(folder, size, channels, scaling, skip_broken)
        name = folder.resolve().name
        return cls(images, labels, classes, name=name, split_name=split_name or named_split(name), scaling=scaling)

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        scaling: str = "crop",
        classes: Sequence[str] | None = None,
        image_key: str | None = None,
        label_key: str | None = None,
        split_name: str | None = None,
    ) -> "ImageSet":
        """Take over any data set that has a length and gives an image and a label for an index.

        For example torchvision's, or Hugging Face's, whose items are dicts. An image is a picture of Pillow, a tensor
        C×H×W, or an array H×W or H×W×C, with values as in `ImageSet`.

        Args:
            dataset: without normalisation among its transforms.
            size, channels, scaling: as in `from_folder`.
            classes: their names; without it, those that the data set knows, else "0", "1", …
            image_key, label_key: where an item is a dict and they can't be guessed.
            split_name: "train", "valid" or "test"; without it, "test" or "valid" if the data set says so, else "train".

        Raises:
            TypeError: the data set has no length, or no items by index.
            ValueError: an item is something else, or the images do not fit together.
        """
        from cnncourse.data._gather import known_classes, known_split, read_dataset

        images, labels = read_dataset(dataset, size, channels, scaling, image_key, label_key)
        split_name = split_name or known_split(dataset)
        classes = classes or known_classes(dataset, label_key)
        name = type(dataset).__name__
        return cls(images, labels, classes, name=name, split_name=split_name, scaling=scaling)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        try:
            place = operator.index(index)
        except TypeError as error:
            raise TypeError(
                f"an index is one whole number, not {index!r}; image_set.subset(…) takes slices and lists"
            ) from error
        return self.preprocessing.normalise(self.images[place][None])[0], int(self.labels[place])

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, int]]:
        """Return several items at once, for a torch `DataLoader`, which asks for whole batches."""
        images = self.preprocessing.normalise(self.images[indices])
        return list(zip(images, self.labels[indices].tolist(), strict=True))

    def __repr__(self) -> str:
        name = f"{self.name} {self.split_name}".strip()
        shape, classes = by(self.images.shape[1:]), f"{len(self.classes)} classes"
        return printable(f"ImageSet({name}: {len(self):,} images of {shape}, {classes})")

    @property
    def preprocessing(self) -> Preprocessing:
        """How these images are prepared for a network."""
        size = (self.images.shape[2], self.images.shape[3])
        return Preprocessing(self.classes, self.mean, self.std, size, self.scaling)

    @property
    def class_counts(self) -> dict[str, int]:
        """How many images each class has."""
        counts = torch.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def subset(self, indices: Tensor | slice | Sequence[int]) -> "ImageSet":
        """Return the images with these indices, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def split(
        self, fraction: float, seed: int, *, groups: Sequence[Hashable] | None = None, balanced: bool = False
    ) -> tuple["ImageSet", "ImageSet"]:
        """Divide the images at random into a large part for training and a part for validation.

        Args:
            fraction: the share of the images, between 0 and 1, that goes to the validation part.
            seed: the same seed gives the same two parts.
            groups: for each image what it belongs to, for example who photographed it: images of one group stay in one
                part, so that the validation part has nothing that the network has seen.
            balanced: whether each class has the same share in both parts, as nearly as it goes.

        Returns:
            The rest of the images, which stays "train", and the part, which is "valid". Both parts of a test split
            stay "test".

        Raises:
            ValueError: a part, or a class in a part, would be empty; or there are not as many groups as images.
        """
        from cnncourse.data._splits import balanced_part, grouped_part

        if not 0 < fraction < 1:
            raise ValueError(f"the fraction must be between 0 and 1, for example 0.2; it is {fraction}")
        number = round(fraction * len(self))
        if number in (0, len(self)):
            raise ValueError(f"a fraction of {fraction} of {len(self)} images leaves one of the two parts empty")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        if groups is not None:
            part = grouped_part(order, groups, self.labels, fraction, balanced)
        elif balanced:
            part = balanced_part(order, self.labels, self.classes, fraction)
        else:
            part = torch.arange(len(self)) < number  # of the order
        part_name = "test" if self.split_name == "test" else "valid"
        return self.subset(order[~part]), replace(self.subset(order[part]), split_name=part_name)

    def resize(self, size: int | tuple[int, int]) -> "ImageSet":
        """Return the same images at another height and width, or size×size, equal to torchvision's `Resize`."""
        return replace(self, images=F.interpolate(self.images, image_size(size), mode="bilinear", antialias=True))
