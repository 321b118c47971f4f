"""How images were prepared for a network: what has to go along wherever the network goes."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Preprocessing:
    """What turns a picture into what a network takes, and a network's answer into a name.

    Attributes:
        classes: the name of each class, in the order of the network's answers.
        mean, std: of each channel, with pixels in [0, 1].
        size: height and width of an image in pixels.
    """

    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """C×H×W of an image."""
        return (len(self.mean), *self.size)

    def normalise(self, images: Tensor) -> Tensor:
        """Scale uint8 images N×C×H×W to [0, 1] and normalise each channel: float32, as `Loader` gives them."""
        mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (self.mean, self.std))
        return (images.float().div_(255) - mean).div_(std)

    def as_dict(self) -> dict:
        """Return plain values, as a checkpoint or a JSON file keeps them."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> "Preprocessing":
        """Read what `as_dict` returned."""
        return cls(**{name: tuple(values[name]) for name in ("classes", "mean", "std", "size")})
