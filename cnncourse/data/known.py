"""The three data sets of the course, loaded by name."""

import torch

from cnncourse import settings
from cnncourse._text import printable
from cnncourse.data import _sources
from cnncourse.data.image_set import ImageSet

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
        SourceError: the set can't be had; says what was tried and the ways out.
    """
    _sources.check_names(name, split)
    if settings.quick():
        images, labels = _sources.sample_arrays(name, split)
        print(f"Quick mode: {len(images):,} {split} images of {name}, the bundled sample.")
    else:
        try:
            images, labels = _sources.arrays(name, split)
        except _sources.SourceError as error:
            if not allow_sample:
                raise
            images, labels = _sources.sample_arrays(name, split)
            sample = f"the bundled sample: {len(images):,} {split} images of {name}."
            print(printable(f"{error}\nGoing on with {sample}"))
    mean, std = STATISTICS[name]
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), CLASSES[name], mean, std, name, split)
