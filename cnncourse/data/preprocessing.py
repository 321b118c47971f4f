"""How images were prepared for a network: what has to go along wherever the network goes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from cnncourse.data import pictures


@dataclass(frozen=True)
class Preprocessing:
    """What turns a picture into what a network takes, and a network's answer into a name.

    Attributes:
        classes: the name of each class, in the order of the network's answers.
        mean, std: of each channel, with pixels in [0, 1].
        size: height and width of an image in pixels.
        scaling: how a picture of another size comes to this one: "crop" scales it until it just covers the size, and
            cuts it in the middle; "stretch" changes its proportions.
    """

    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int]
    scaling: str = "crop"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """C×H×W of an image."""
        return (len(self.mean), *self.size)

    def normalise(self, images: Tensor) -> Tensor:
        """Scale uint8 images N×C×H×W to [0, 1] and normalise each channel: float32, as `Loader` gives them."""
        mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (self.mean, self.std))
        return (images.float().div_(255) - mean).div_(std)

    def read(self, source: str | Path | BinaryIO) -> Tensor:
        """Read one picture from a file as a network takes it.

        Args:
            source: a path, or a file that is open for reading bytes.

        Returns:
            float32 1×C×H×W, normalised.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no picture, is broken, or has too many pixels.
        """
        try:
            with pictures.open_picture(source) as picture:
                image = pictures.pixels(picture, len(self.mean), self.size, self.scaling)
        except pictures.PictureError as error:
            name = source if isinstance(source, str | Path) else "the file"
            raise ValueError(f"{name} can't be read: {error}.") from error
        return self.normalise(image[None])

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint or a JSON file keeps them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preprocessing":
        """Read what `as_dict` returned."""
        tuples = {name: tuple(values[name]) for name in ("classes", "mean", "std", "size")}
        return cls(**tuples, scaling=values.get("scaling", "crop"))
