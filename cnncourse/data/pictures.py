"""Picture files as tensors: any format, size and colour that Pillow reads becomes uint8 C×H×W."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from cnncourse._text import by

if TYPE_CHECKING:
    from PIL import Image

EXTENSIONS = {
    ".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ppm", ".pgm", ".pbm",
}  # fmt: skip
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"}
MOST_PIXELS = 100_000_000  # of a picture; more is a mistake, or an attack on the memory
SCALINGS = ("crop", "stretch")


class PictureError(ValueError):
    """A file that can't be read as a picture; its text says why."""


@contextmanager
def complaining() -> Iterator[None]:
    """Turn what Pillow says about a damaged picture, which can be any error, into `PictureError`."""
    try:
        yield
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(f"it is broken: {error}") from error


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep quiet what Pillow warns of: damaged notes beside the pixels, and a size that is checked here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def open_picture(source: str | Path | BinaryIO) -> "Image.Image":
    """Open a picture by its header; its pixels are decoded later, `without_warnings` around both.

    Raises:
        FileNotFoundError: there is no such file.
        PictureError: it is no picture, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(source)
    except Image.DecompressionBombError as error:
        raise PictureError("it has too many pixels; make it smaller") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {source}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.strerror and not isinstance(error, UnidentifiedImageError):
            raise PictureError(error.strerror) from error  # no permission, or a folder
        raise PictureError("it is no picture, or its beginning is broken") from error
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise PictureError(f"it has {picture.width}×{picture.height} pixels, which is too many; make it smaller")
    return picture


@complaining()
def is_grey(picture: "Image.Image") -> bool:
    """Tell by its header whether a picture has no colours."""
    if picture.mode == "P":
        palette = np.array(picture.getpalette() or [0, 0, 0]).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return picture.mode in GREY_MODES


@complaining()
def turned_size(picture: "Image.Image") -> tuple[int, int]:
    """Return height and width of a picture as its camera was held."""
    sideways = picture.getexif().get(0x0112) in (5, 6, 7, 8)
    return (picture.width, picture.height) if sideways else (picture.height, picture.width)


def pixels(picture: "Image.Image", channels: int, size: tuple[int, int], scaling: str = "crop") -> Tensor:
    """Decode a picture as a network takes it.

    It is turned as its camera says. What is transparent becomes white, and of a moving picture the first frame counts.

    Args:
        picture: as `open_picture` gives it.
        channels: 1 for grey, 3 for colour.
        size: height and width in pixels.
        scaling: "crop" scales the picture until it just covers the size, and cuts it in the middle, as torchvision's
            `Resize` and `CenterCrop` do; "stretch" changes its proportions.

    Returns:
        uint8 C×H×W.

    Raises:
        PictureError: it can't be decoded.
    """
    from PIL import Image

    picture = _upright(picture, "L" if channels == 1 else "RGB")
    height, width = size
    if scaling == "stretch":
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    elif picture.size != (width, height):
        # One side as wanted, the other as it follows, rounded as in torchvision.
        covering = (width, width * picture.height // picture.width)
        if covering[1] < height:
            covering = (height * picture.width // picture.height, height)
        if covering[0] * covering[1] > MOST_PIXELS:
            raise PictureError(f"it is too long and narrow, {picture.width}×{picture.height} pixels; cut it")
        picture = picture.resize(covering, Image.Resampling.BILINEAR)
        left, top = round((covering[0] - width) / 2), round((covering[1] - height) / 2)
        picture = picture.crop((left, top, left + width, top + height))
    return torch.from_numpy(np.array(picture)).view(height, width, channels).permute(2, 0, 1)


@complaining()
def _upright(picture: "Image.Image", mode: str) -> "Image.Image":
    """Decode a picture, turn it, put it on white and give it a mode."""
    from PIL import Image, ImageOps

    picture = _eight_bits(ImageOps.exif_transpose(picture))
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert(mode)


def _eight_bits(picture: "Image.Image") -> "Image.Image":
    """A picture of 16 bits a pixel, which Pillow would cut off at 255, with 8 bits."""
    from PIL import Image

    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 bits a pixel")
    if picture.mode in ("I", "I;16", "I;16B", "I;16L"):
        values: Any = np.asarray(picture).astype(np.int64)
        return Image.fromarray((np.clip(values, 0, 65535) // 257).astype(np.uint8))
    return picture


def image_size(size: object) -> tuple[int, int]:
    """Return height and width from a number or a pair.

    Raises:
        ValueError: it is neither.
    """
    numbers = (size, size) if isinstance(size, Integral) else size
    if not isinstance(numbers, tuple | list) or len(numbers) != 2:
        raise ValueError(f"a size is a number of pixels, or height and width, for example 64 or (48, 64), not {size!r}")
    if not all(isinstance(number, Integral) and int(number) > 0 for number in numbers):
        raise ValueError(f"a size is a number of pixels, or height and width, for example 64 or (48, 64), not {size!r}")
    height, width = map(int, numbers)
    return height, width


def check_channels(channels: int | None) -> None:
    """Raise ValueError for a number of channels that no picture is read with."""
    if channels not in (None, 1, 3):
        raise ValueError(f"channels are 1 for grey or 3 for colour, not {channels!r}")


def only_size(sizes: Iterable[tuple[int, int]], pictures: str) -> tuple[int, int] | None:
    """Return the size that all pictures have; None for no picture.

    Raises:
        ValueError: they have several.
    """
    found = sorted(set(sizes))
    if len(found) > 1:
        raise ValueError(
            f"{pictures} have {len(found)} sizes, from {by(found[0])} to {by(found[-1])} (height×width); "
            "say which size all shall have, for example size=64"
        )
    return found[0] if found else None


def check_scaling(scaling: str) -> None:
    """Raise ValueError for a way of scaling that there is not."""
    if scaling not in SCALINGS:
        raise ValueError(f'scaling is "crop" or "stretch", not {scaling!r}')
