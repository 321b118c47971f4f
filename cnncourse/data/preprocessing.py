"""How images were prepared for a network: what has to go along wherever the network goes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
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

    def read(self, source: str | Path | BinaryIO) -> Tensor:
        """Read one picture from a file as a network takes it: float32 1×C×H×W, normalised.

        The picture is turned as its camera says, scaled until it just covers the size, and cut in the middle.
        """
        from PIL import Image, ImageOps

        height, width = self.size
        with Image.open(source) as file:
            picture = ImageOps.exif_transpose(file).convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        picture = picture.convert("L" if len(self.mean) == 1 else "RGB")
        scale = max(width / picture.width, height / picture.height)
        whole = max(round(picture.width * scale), width), max(round(picture.height * scale), height)
        picture = picture.resize(whole, Image.Resampling.BILINEAR)
        left, top = (whole[0] - width) // 2, (whole[1] - height) // 2
        pixels = torch.from_numpy(np.array(picture.crop((left, top, left + width, top + height))))
        return self.normalise(pixels.view(1, height, width, -1).permute(0, 3, 1, 2))

    def as_dict(self) -> dict:
        """Return plain values, as a checkpoint or a JSON file keeps them."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> "Preprocessing":
        """Read what `as_dict` returned."""
        return cls(**{name: tuple(values[name]) for name in ("classes", "mean", "std", "size")})
