"""Batches from an `ImageSet`, whole batches at a time."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from cnncourse._text import by
from cnncourse.data.image_set import ImageSet

SMALL = 16  # images; a training batch this small tells batch norm little, see `Loader`


class Loader:
    """Batches from an `ImageSet` that stays in memory, whole batches at a time.

    Iterating gives pairs of images, float32 B×C×H×W, and labels, int64 B, both on `device`. The images are scaled to
    [0, 1], augmented, then normalised by the set's mean and standard deviation. The order and the augmentation use
    torch's generator, so `torch.manual_seed` repeats them.

    The last batch may be smaller. Where the order is random, as for training, a last batch of 16 images or fewer, or of
    half a batch or less if that is smaller, joins the batch before it: batch norm takes mean and variance from a batch,
    and from one image there is no variance, from two or three a wild one.

    Args:
        images: the set to take batches from.
        batch_size: how many images a batch has.
        shuffle: whether each pass has a new random order.
        augment: changes a batch, float B×C×H×W in [0, 1]; see `cnncourse.augment`. A transform of torchvision, which
            would change all images of a batch alike, is given each image by itself.
        device: where the batches are made: the model's device.
        drop_last: leave out the images that do not fill a last batch; each pass of a random order leaves out others.

    Raises:
        TypeError: the images are no `ImageSet`, or `augment` is no function.
        ValueError: there are no images, or none would be left; later, `augment` returns something else than a batch.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: Callable[[Tensor], Tensor] | None = None,
        device: torch.device | str = "cpu",
        drop_last: bool = False,
    ) -> None:
        if not isinstance(images, ImageSet):
            raise TypeError(
                f"a Loader takes an ImageSet, not a {type(images).__name__}. ImageSet.from_dataset(…) makes one of any "
                "data set; torch's own DataLoader takes the others, and fit takes a DataLoader"
            )
        if batch_size < 1:
            raise ValueError(f"the batch size must be at least 1, not {batch_size}")
        if len(images) == 0:
            raise ValueError("the ImageSet has no images")
        if drop_last and batch_size > len(images):
            raise ValueError(f"with drop_last no batch is left: {len(images)} images do not fill one of {batch_size}")
        if augment is not None and not callable(augment):
            raise TypeError(f"augment is a function of a batch, not a {type(augment).__name__}")
        self.dataset = images
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.drop_last = drop_last
        self.images = images.images.to(device)
        self.labels = images.labels.to(device)
        self.mean = torch.tensor(images.mean, device=device)[:, None, None]
        self.std = torch.tensor(images.std, device=device)[:, None, None]
        self._sizes = self._batch_sizes()

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        number = len(self.images)
        order = torch.randperm(number) if self.shuffle else torch.arange(number)
        batches = order[: sum(self._sizes)].to(self.images.device).split(self._sizes)
        for place, indices in enumerate(batches):
            images = self.images[indices].float().div_(255)
            if self.augment is not None:
                images = self._augmented(images, check=place == 0)
            yield (images - self.mean).div_(self.std), self.labels[indices]  # augment may keep what it returned

    def _batch_sizes(self) -> list[int]:
        full, rest = divmod(len(self.images), self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 0 or self.drop_last:
            return sizes
        if self.shuffle and full and rest <= min(SMALL, self.batch_size // 2):
            return [*sizes[:-1], self.batch_size + rest]
        return [*sizes, rest]

    def _augmented(self, images: Tensor, check: bool) -> Tensor:
        """The batch as `augment` changes it; the first of a pass is checked."""
        assert self.augment is not None
        try:
            if type(self.augment).__module__.partition(".")[0] == "torchvision":
                changed = torch.stack([self.augment(image) for image in images])
            else:
                changed = self.augment(images)
        except TypeError as error:
            if "PIL" not in str(error) and "pic should be" not in str(error):
                raise
            raise ValueError(
                "augment gets images as tensors in [0, 1]: leave ToTensor and other transforms of pictures out "
                f"of it. What it said: {error}"
            ) from error
        if check:
            self._check(images, changed)
        return changed

    def _check(self, images: Tensor, changed: object) -> None:
        expected = f"augment must return a batch of floats {by(images.shape)}"
        if not isinstance(changed, Tensor):
            raise ValueError(f"{expected}, but it returned a {type(changed).__name__}")
        if changed.shape != images.shape or not changed.is_floating_point():
            raise ValueError(f"{expected}, but it returned {str(changed.dtype)[6:]} {by(changed.shape)}")
        low, high = (value.item() for value in changed.aminmax())
        if low < -0.5 or high > 1.5:  # beyond what noise or interpolation adds
            raise ValueError(
                f"augment must return images in [0, 1], but they go from {low:.2f} to {high:.2f}. "
                "Leave Normalize out of it: the Loader normalises what it returns"
            )
