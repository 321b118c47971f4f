"""Images with their labels, as tensors that stay in memory."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from cnncourse._text import by, printable
from cnncourse.data.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet(Dataset):
    """Images with their labels, as three plain values and a little more.

    It is a torch `Dataset` too: `image_set[i]` is the pair of image i, float32 C×H×W in [0, 1], and its label.

    Attributes:
        images: uint8 N×C×H×W, from 0 (black) to 255.
        labels: int64 N, the index of each image's class.
        classes: the name of each class.
        mean, std: of each channel of the training images with pixels in [0, 1]; what `Loader` normalises by.
        name: the data set's name in torchvision.
        split_name: "train", "valid" or "test".
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    name: str = ""
    split_name: str = "train"

    def __post_init__(self):
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images must be uint8 of shape N×C×H×W, not {self.images.dtype} of shape {tuple(self.images.shape)}"
            )
        if self.labels.dtype != torch.int64 or self.labels.ndim != 1:
            raise ValueError(
                f"labels must be int64 of shape N, not {self.labels.dtype} of shape {tuple(self.labels.shape)}"
            )
        if len(self.images) != len(self.labels):
            raise ValueError(f"there are {len(self.images)} images but {len(self.labels)} labels")
        if not self.images.shape[1] == len(self.mean) == len(self.std):
            raise ValueError(
                f"images of {self.images.shape[1]} channels need one mean and one std for each channel, "
                f"not {len(self.mean)} and {len(self.std)}"
            )
        if len(self.labels) and not (self.labels.min() >= 0 and self.labels.max() < len(self.classes)):
            raise ValueError(
                f"labels must be from 0 to {len(self.classes) - 1}, the indices of the {len(self.classes)} classes; "
                f"these go from {self.labels.min()} to {self.labels.max()}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index] / 255, int(self.labels[index])

    def __repr__(self) -> str:
        shape = by(self.images.shape[1:])
        classes = f"{len(self.classes)} classes"
        return printable(f"ImageSet({self.name} {self.split_name}: {len(self):,} images of {shape}, {classes})")

    @property
    def preprocessing(self) -> Preprocessing:
        """How these images are prepared for a network."""
        return Preprocessing(self.classes, self.mean, self.std, tuple(self.images.shape[2:]))

    def subset(self, indices: Tensor | slice) -> "ImageSet":
        """The images with these indices, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def split(self, fraction: float, seed: int) -> tuple["ImageSet", "ImageSet"]:
        """Divide the images at random into a large part for training and a part for validation.

        Args:
            fraction: the share of the images, between 0 and 1, that goes to the validation part.
            seed: the same seed gives the same two parts.

        Returns:
            The rest of the images, which stays "train", and the part, which is "valid". Both parts of a test split
            stay "test".
        """
        if not 0 < fraction < 1:
            raise ValueError(f"the fraction must be between 0 and 1, for example 0.2; it is {fraction}")
        number = round(fraction * len(self))
        if number in (0, len(self)):
            raise ValueError(f"a fraction of {fraction} of {len(self)} images leaves one of the two parts empty")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        part_name = "test" if self.split_name == "test" else "valid"
        return self.subset(order[number:]), replace(self.subset(order[:number]), split_name=part_name)

    def resize(self, size: int) -> "ImageSet":
        """The same images at size×size pixels, equal to torchvision's `Resize` of each image."""
        return replace(self, images=F.interpolate(self.images, (size, size), mode="bilinear", antialias=True))
