"""Images as tensors: a data set is one tensor, a batch is a slice of it.

`load` gives an `ImageSet`; a `Loader` turns an `ImageSet` into batches that are ready for a network.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from cnncourse import settings, sources
from cnncourse.memory import keep_memory

DIGITS = tuple("0123456789")
CLASSES = {
    "MNIST": DIGITS,
    "FashionMNIST": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "CIFAR10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
# Mean and standard deviation of each channel over the training images, with pixels from 0 to 1.
STATISTICS = {
    "MNIST": ((0.1307,), (0.3081,)),
    "FashionMNIST": ((0.2860,), (0.3530,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}


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
        shape = "×".join(map(str, self.images.shape[1:]))
        return f"ImageSet({self.name} {self.split_name}: {len(self):,} images of {shape}, {len(self.classes)} classes)"

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


def load(name: str, split: str, *, allow_sample: bool = False) -> ImageSet:
    """Load MNIST, FashionMNIST or CIFAR10: from the cache, or else by a download that fills it.

    In quick mode (`CNNCOURSE_QUICK=1`) it is always the bundled sample, and a printed line says so.

    Args:
        name: "MNIST", "FashionMNIST" or "CIFAR10", as in torchvision.
        split: "train" or "test".
        allow_sample: where the full set can't be had, take the bundled sample of about 2,000 training and 500 test
            images; a printed line says so.

    Raises:
        ValueError: there is no such data set or split; names the known ones.
        sources.SourceError: the set can't be had; says what was tried and the ways out.
    """
    sources.check_names(name, split)
    if settings.quick():
        images, labels = sources.sample_arrays(name, split)
        print(f"Quick mode: {len(images):,} {split} images of {name}, the bundled sample.")
    else:
        try:
            images, labels = sources.arrays(name, split)
        except sources.SourceError as error:
            if not allow_sample:
                raise
            images, labels = sources.sample_arrays(name, split)
            print(f"{error}\nGoing on with the bundled sample: {len(images):,} {split} images of {name}.")
    mean, std = STATISTICS[name]
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), CLASSES[name], mean, std, name, split)


class Loader:
    """Batches from an `ImageSet` that stays in memory, whole batches at a time.

    Iterating gives pairs of images, float32 B×C×H×W, and labels, int64 B, both on `device`. The images are scaled to
    [0, 1], augmented, then normalised by the set's mean and standard deviation. The order and the augmentation use
    torch's generator, so `torch.manual_seed` repeats them. The last batch may be smaller.

    Args:
        images: the set to take batches from.
        batch_size: how many images a batch has.
        shuffle: whether each pass has a new random order.
        augment: changes a batch, float B×C×H×W in [0, 1]; see `cnncourse.augment`.
        device: where the batches are made: the model's device.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: Callable[[Tensor], Tensor] | None = None,
        device: torch.device | str = "cpu",
    ):
        if batch_size < 1:
            raise ValueError(f"the batch size must be at least 1, not {batch_size}")
        keep_memory()
        self.dataset = images
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.images = images.images.to(device)
        self.labels = images.labels.to(device)
        self.mean = torch.tensor(images.mean, device=device)[:, None, None]
        self.std = torch.tensor(images.std, device=device)[:, None, None]

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        number = len(self.images)
        order = torch.randperm(number) if self.shuffle else torch.arange(number)
        for indices in order.to(self.images.device).split(self.batch_size):
            images = self.images[indices].float().div_(255)
            if self.augment is not None:
                images = self.augment(images)
            yield (images - self.mean).div_(self.std), self.labels[indices]  # augment may keep what it returned
