"""Batches from an `ImageSet`, whole batches at a time."""

import operator
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from cnncourse._text import by, kind_of_number
from cnncourse.data.image_set import ImageSet

ENOUGH = 16  # images, from which batch norm takes a mean and a variance that are not wild; see `Loader`
Augmentation = Callable[[Tensor], Tensor]


class Loader:
    """Batches from an `ImageSet` that stays in memory, whole batches at a time.

    Iterating gives pairs of images, float32 B×C×H×W, and labels, int64 B, both on `device`. The images are scaled to
    [0, 1], augmented, then normalised by the set's mean and standard deviation. The order and the augmentation use
    torch's generator, so `torch.manual_seed` repeats them.

    The last batch may be smaller. Where the order is random, as for training, a last batch of fewer than 16 images, and
    of no more than half a batch, joins the batch before it: batch norm takes mean and variance from a batch, and from
    one image there is no variance, from two or three a wild one.

    Args:
        images: the set to take batches from.
        batch_size: how many images a batch has.
        shuffle: whether each pass has a new random order.
        augment: a function, or several one after the other, that change a batch, float B×C×H×W in [0, 1]; see
            `cnncourse.augment`. A transform of torchvision (older or v2, alone, in a `Compose` or an `nn.Sequential`)
            makes one draw for all that it is given, so it is given each image by itself. In a function of your own, it
            makes one draw for the batch.
        device: where the batches are made: the model's device.
        drop_last: leave out the images that do not fill a last batch; each pass of a random order leaves out others.

    Raises:
        TypeError: the images are no `ImageSet`, the batch size is no whole number, or `augment` is no function.
        ValueError: there are no images, or none would be left; later, `augment` returns something else than a batch.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: Augmentation | Sequence[Augmentation] | None = None,
        device: torch.device | str = "cpu",
        drop_last: bool = False,
    ) -> None:
        if not isinstance(images, ImageSet):
            raise TypeError(
                f"a Loader takes an ImageSet, not a {type(images).__name__}. ImageSet.from_dataset(…) makes one of any "
                "data set; torch's own DataLoader takes the others, and fit takes a DataLoader"
            )
        try:
            batch_size = operator.index(batch_size)
        except TypeError as error:
            raise TypeError(f"the batch size is a whole number of images, not {batch_size!r}") from error
        if batch_size < 1:
            raise ValueError(f"the batch size must be at least 1, not {batch_size}")
        if len(images) == 0:
            raise ValueError("the ImageSet has no images")
        if drop_last and batch_size > len(images):
            raise ValueError(f"with drop_last no batch is left: {len(images)} images do not fill one of {batch_size}")
        steps = tuple(augment) if isinstance(augment, Sequence) else () if augment is None else (augment,)
        for step in steps:
            if not callable(step):
                raise TypeError(f"augment is a function of a batch, or a list of such functions, not {step!r}")
        self.dataset = images
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment if steps else None
        self.drop_last = drop_last
        self.images = images.images.to(device)
        self.labels = images.labels.to(device)
        self.mean = torch.tensor(images.mean, device=device)[:, None, None]
        self.std = torch.tensor(images.std, device=device)[:, None, None]
        self._sizes = self._batch_sizes()
        self._steps = [(step, _from_torchvision(step)) for step in steps]

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        number = len(self.images)
        order = torch.randperm(number) if self.shuffle else torch.arange(number)
        batches = torch.split(order[: sum(self._sizes)].to(self.images.device), self._sizes)
        for place, indices in enumerate(batches):
            images = self.images[indices].float().div_(255)
            for step, image_by_image in self._steps:
                changed = _each_image(step, images) if image_by_image else step(images)
                if place == 0:
                    _check_augmented(images, changed)
                images = changed
            yield (images - self.mean).div_(self.std), self.labels[indices]  # augment may keep what it returned

    def _batch_sizes(self) -> list[int]:
        full, rest = divmod(len(self.images), self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 0 or self.drop_last:
            return sizes
        if self.shuffle and full and rest < ENOUGH and rest <= self.batch_size // 2:
            return [*sizes[:-1], self.batch_size + rest]
        return [*sizes, rest]


def _from_torchvision(step: object) -> bool:
    """Tell whether a transform, or one inside it, is torchvision's, or made from one of torchvision's."""
    parts = step.modules() if isinstance(step, nn.Module) else [step]
    kinds = [kind for part in parts for kind in type(part).__mro__]
    return any(kind.__module__.partition(".")[0] == "torchvision" for kind in kinds)


def _each_image(transform: Augmentation, images: Tensor) -> Tensor:
    try:
        return torch.stack([transform(image) for image in images])
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"augment gives torchvision's {type(transform).__name__} one image after the other, each a tensor "
            f"{by(images.shape[1:])} of floats in [0, 1], and wants a tensor of the same shape back. Leave out of it "
            "what makes a tensor of a picture, what needs bytes or labels, and what changes the size. "
            f"What it said: {error}"
        ) from error


def _check_augmented(images: Tensor, changed: object) -> None:
    expected = f"augment must return a batch of floats {by(images.shape)}"
    if not isinstance(changed, Tensor):
        raise ValueError(f"{expected}, but it returned a {type(changed).__name__}")
    if changed.shape != images.shape or not changed.is_floating_point():
        raise ValueError(f"{expected}, but it returned {kind_of_number(changed.dtype)} {by(changed.shape)}")
    low, high = (value.item() for value in changed.aminmax())
    if not (low >= -0.5 and high <= 1.5):  # interpolation goes a little beyond; not a number is neither
        raise ValueError(
            f"augment must return images in [0, 1], but these go from {low:.2f} to {high:.2f}. Leave Normalize out of "
            "it: the Loader normalises what it returns. What noise adds is cut off by images.clamp(0, 1)"
        )
