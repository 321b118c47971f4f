"""From a drawing or a scan to a digit: strokes or pixels become a 28×28 image, as MNIST's images were made.

A drawing is a list of strokes `{"radius": r, "points": [[x, y], …]}` on a square pad of `PAD_SIZE` units, y downwards.
The page of the drawing pad does the same in `cnncourse/pad/js/digit.js`: the same operations in the same order give the
same pixels.

MNIST's procedure: the digit is scaled, keeping its aspect ratio, so that it just fits a box of 20×20 pixels; a pixel's
grey is the share of it that is ink; the box is then moved by whole pixels, so that the centre of mass comes to the
centre of a field of 28×28 (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
recognition", section III A). Two details come from the reconstruction by Yadav and Bottou 2019, "Cold case: the lost
MNIST digits" (facebookresearch/qmnist, `making_qmnist/xnist.lsh`): what is narrower than the box stands in its middle,
and the pixel with the most ink becomes 255. MNIST's images themselves say where the centre is: their centres of mass
lie between pixels 13.5 and 14.5, counted from 0, and at a tie at 13.5.

A scanned digit, a grey picture, is treated in the same way, from its pixels.
"""

import math
from numbers import Real
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cnncourse._text import by

PAD_SIZE = 280
BOX, FIELD = 20, 28  # pixels
SAMPLES = 8  # a pixel's grey is counted at 8×8 points of it
THINNEST = 0.125  # pixels; a thinner brush could pass between those points
LARGEST = 10_000  # units of the pad


def digit_image(drawing: list[dict[str, Any]] | Tensor | np.ndarray) -> Tensor:
    """Make a drawing, or a picture of one digit, one of MNIST's images.

    A tiny drawing is made as large as any other: a single dot becomes a disc of 20 pixels. No ink is lost at the
    field's edge: if the centre of mass lies so far from the middle that MNIST would cut a row off (as in 13 of its
    60,000 training images), the digit stops at the edge.

    Args:
        drawing: strokes, in units of the pad; a stroke of one point is a dot. Or a grey picture, uint8 H×W or 1×H×W of
            any size, with white ink on black as in MNIST, from 0 (no ink at all) to 255. Of a dark pen on white paper
            take 255 minus the pixels, and set what is left of the paper to 0.

    Returns:
        The image, uint8 1×28×28, from 0 (no ink) to 255.

    Raises:
        ValueError: the drawing is empty, or is neither strokes nor such a picture; says where.
    """
    if isinstance(drawing, Tensor | np.ndarray):
        box = fitted(checked_picture(drawing))
    else:
        check_strokes(drawing)
        if not drawing:
            raise ValueError("The drawing is empty: draw something.")
        box = grey_levels(ink(scaled(drawing)))
    return torch.from_numpy(centred(box[None]))


def check_strokes(strokes: list[dict[str, Any]]) -> None:
    """Raise a ValueError, which says where, if the strokes are not a drawing."""
    if not isinstance(strokes, list | tuple):
        raise ValueError("A drawing is a list of strokes.")
    for number, stroke in enumerate(strokes, 1):
        if not isinstance(stroke, dict) or not isinstance(stroke.get("points"), list | tuple) or not stroke["points"]:
            raise ValueError(f"Stroke {number} needs a radius and a list of at least one point [x, y].")
        if not is_number(stroke.get("radius")) or not 0.01 <= stroke["radius"] <= LARGEST:
            raise ValueError(f"The radius of stroke {number} must be a number from 0.01 to {LARGEST}.")
        for point in stroke["points"]:
            if not isinstance(point, list | tuple) or len(point) != 2 or not all(map(is_number, point)):
                raise ValueError(f"Every point of stroke {number} must be two numbers, [x, y].")
            if not all(-LARGEST <= coordinate <= LARGEST for coordinate in point):
                raise ValueError(f"A point of stroke {number} is more than {LARGEST} units away from the pad's corner.")


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and -math.inf < value < math.inf  # type: ignore[operator]


def scaled(strokes: list[dict[str, Any]]) -> list[tuple[float, np.ndarray]]:
    """Return the strokes in pixels, their ink just in the box and in its middle: pairs of a radius and points, N×2."""
    drawing = [(stroke["radius"], np.array(stroke["points"], dtype=float)) for stroke in strokes]
    low = np.min([(points - radius).min(axis=0) for radius, points in drawing], axis=0)  # left and top
    high = np.max([(points + radius).max(axis=0) for radius, points in drawing], axis=0)  # right and bottom
    scale = BOX / (high - low).max()
    middle = (low + high) / 2
    return [(max(radius * scale, THINNEST), (points - middle) * scale + BOX / 2) for radius, points in drawing]


def ink(drawing: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """Find which sample points of the box have ink, bool 160×160: those within a stroke's radius of its line."""
    inked = np.zeros((BOX * SAMPLES, BOX * SAMPLES), dtype=bool)
    place = (np.arange(BOX * SAMPLES) + 0.5) / SAMPLES  # of each sample along an axis, in pixels
    for radius, points in drawing:
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[-1]], strict=True):
            columns, rows = near(x0, x1, radius), near(y0, y1, radius)  # only these can be reached
            x, y = place[None, columns] - x0, place[rows, None] - y0
            dx, dy = x1 - x0, y1 - y0
            along = (x * dx + y * dy) / (dx * dx + dy * dy or 1)  # 0 at the segment's start, 1 at its end
            along = np.clip(along, 0, 1)
            x, y = x - along * dx, y - along * dy  # from the nearest point of the segment
            inked[rows, columns] |= x * x + y * y <= radius * radius
    return inked


def near(start: float, end: float, radius: float) -> slice:
    """Return the range of samples that a segment from `start` to `end` can reach along one axis."""
    first = math.floor((min(start, end) - radius) * SAMPLES)
    last = math.ceil((max(start, end) + radius) * SAMPLES)
    return slice(max(first, 0), min(last, BOX * SAMPLES))


def grey_levels(inked: np.ndarray) -> np.ndarray:
    """Return the share of each pixel that is ink, scaled so that the pixel with the most ink is 255: uint8 20×20."""
    counts = inked.reshape(BOX, SAMPLES, BOX, SAMPLES).sum(axis=(1, 3))
    levels: np.ndarray = np.floor(255 * counts / counts.max() + 0.5).astype(np.uint8)
    return levels


def checked_picture(picture: Tensor | np.ndarray) -> np.ndarray:
    """Return a picture as an array H×W; raise a ValueError, which says why, if it is none or has no ink."""
    pixels = picture.detach().cpu().numpy() if isinstance(picture, Tensor) else picture
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"A picture has whole numbers from 0 (no ink) to 255, uint8; this one has {pixels.dtype}. Scale its values "
            "to 0…255, round them, and convert them to uint8."
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and len(pixels) != 1):
        raise ValueError(f"A picture of a digit is grey, H×W or 1×H×W, not {by(pixels.shape) or 'a single number'}.")
    if not pixels.any():
        raise ValueError("The picture is empty: all its pixels are 0, no ink.")
    return pixels.reshape(pixels.shape[-2:])


def fitted(pixels: np.ndarray) -> np.ndarray:
    """Return the picture's ink just in the box and in its middle, the brightest pixel 255: uint8 20×20."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(cut.shape)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square = torch.zeros(1, 1, side, side)
    square[0, 0, top : top + cut.shape[0], left : left + cut.shape[1]] = torch.from_numpy(cut)
    # A smaller image has the mean of the pixels that come together, a larger one a smooth curve through its pixels.
    grey = F.interpolate(square, (BOX, BOX), mode="area" if side > BOX else "bicubic")[0, 0].clamp(min=0).numpy()
    levels: np.ndarray = np.floor(255 * grey / grey.max() + 0.5).astype(np.uint8)
    return levels


def centred(boxes: np.ndarray) -> np.ndarray:
    """Put each box, N×20×20, in a field of 28×28 zeros, by whole pixels, its centre of mass at pixel 13.5 to 14.5."""
    place = np.arange(BOX)
    rows, columns = offsets(boxes.sum(axis=2))[:, None] + place, offsets(boxes.sum(axis=1))[:, None] + place  # N×20
    fields = np.zeros((len(boxes), FIELD, FIELD), dtype=np.uint8)
    fields[np.arange(len(boxes))[:, None, None], rows[:, :, None], columns[:, None, :]] = boxes
    return fields


def offsets(masses: np.ndarray) -> np.ndarray:
    """Return where each box begins along one axis; `masses` are the sums of its rows, or of its columns, N×20."""
    centres = (masses * np.arange(BOX)).sum(axis=1) / masses.sum(axis=1)
    starts: np.ndarray = np.clip(np.ceil(13.5 - centres), 0, FIELD - BOX).astype(int)
    return starts
