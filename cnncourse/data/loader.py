"""Batches from an `ImageSet`, whole batches at a time."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from cnncourse.data.image_set import ImageSet


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
