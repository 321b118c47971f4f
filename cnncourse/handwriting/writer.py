"""Digits written by a made-up hand: a style's path, bent as hands bend it, as images in MNIST's form.

Every digit is written by a hand of its own. The path's points move a little, each by itself and all together; a smooth
curve goes through them; the curve is slanted, turned, bent and smoothed; a round pen follows it; the result is scaled
and centred as MNIST's images were (see `cnncourse.handwriting.digits`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cnncourse.data import CLASSES, STATISTICS, ImageSet
from cnncourse.handwriting.digits import BOX, FIELD, PAD_SIZE, centred
from cnncourse.handwriting.styles import STYLES, Style

SPACING = 0.03  # between two points of a curve, in heights of a digit: half a pixel
AT_ONCE = 256  # digits drawn together: their distances fit the processor's cache


@dataclass(frozen=True)
class Hand:
    """How much hands differ. Each value is a standard deviation from digit to digit, unless it says otherwise.

    Attributes:
        slant: how far the top leans to the side, in heights.
        turn: of the whole digit, in degrees.
        width: of the digit, as a factor's logarithm.
        bend: how far the middle of a straight line moves to the side, in heights.
        wobble: of each point of the path by itself, in heights.
        warp: of whole regions of the digit together, in heights.
        placing: of each stroke against the others, in heights.
        tremor: of the pen along its way, in heights.
        haste: the most that corners are rounded; each digit takes a share from 0 to this. 0 keeps them sharp.
        ends: how far a stroke begins or ends too early or too late, in heights.
        pen: the pen's width as a share of the height, the median of all digits.
        pen_spread: of the pen's width, as a factor's logarithm.

    Raises:
        ValueError: a value is negative or not finite, or the pen has no width.
    """

    slant: float = 0.25
    turn: float = 5
    width: float = 0.2
    bend: float = 0.05
    wobble: float = 0.018
    warp: float = 0.03
    placing: float = 0.025
    tremor: float = 0.008
    haste: float = 1
    ends: float = 0.05
    pen: float = 0.13
    pen_spread: float = 0.25

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {value}")
        if self.pen == 0:
            raise ValueError("the pen must have a width, not 0")

    def times(self, factor: float) -> "Hand":
        """Return a hand whose deviations are all `factor` times as large; the pen's width stays."""
        changed = {name: round(factor * value, 6) for name, value in vars(self).items() if name != "pen"}
        return replace(self, **changed)


def written(number: int, styles: Sequence[Style] = STYLES, *, seed: int = 0, hand: Hand | None = None) -> ImageSet:
    """Write digits, each class equally often, and within a class each of its styles equally often.

    Args:
        number: of images.
        styles: to write them in; without it all of the course's. Yours may be among them.
        seed: the same seed writes the same images.
        hand: how much hands differ.

    Returns:
        Images N×1×28×28 in MNIST's form, normalised as MNIST, in random order.

    Raises:
        ValueError: the number is less than 1, or there is no style.
    """
    order, kinds = _drawn_by_lot(number, styles, seed)
    images = torch.empty(number, 1, FIELD, FIELD, dtype=torch.uint8)
    for place, style in enumerate(styles):
        these = order == place
        curves, radius = write(style.strokes(), int(these.sum()), seed=(seed, place), hand=hand)
        images[these] = draw(torch.cat(curves, dim=1), radius)
    return ImageSet(images, kinds, CLASSES["MNIST"], *STATISTICS["MNIST"], name="written digits")


def drawing(style: Style, *, seed: int = 0, hand: Hand | None = None) -> list[dict[str, Any]]:
    """Write one digit on the pad: strokes as `digit_image` and the page of the pad take them."""
    curves, radius = write(style.strokes(), 1, seed=(seed,), hand=hand)
    points = torch.cat(curves, dim=1)[0]
    low, high = points.amin(0), points.amax(0)
    size = 0.7 * PAD_SIZE / max(float((high - low).max()), 0.3)
    return [
        {
            "radius": round(float(radius) * size, 1),
            "points": ((curve[0] - (low + high) / 2) * size + PAD_SIZE / 2).round(decimals=1).tolist(),
        }
        for curve in curves
    ]


def write(
    strokes: Sequence[Sequence[tuple[float, float]]], number: int, *, seed: Sequence[int], hand: Hand | None = None
) -> tuple[list[Tensor], Tensor]:
    """Write one path many times, each time with another hand.

    Args:
        strokes: the points of each, as `Style.strokes` gives them.
        number: how many times.
        seed: whole numbers; the same write the same.
        hand: how much hands differ.

    Returns:
        The curve of each stroke, N×points×2, in heights of the digit, and the radius of each digit's pen, N.
    """
    hand = hand or Hand()
    chance = np.random.default_rng(seed)

    def normal(deviation: float, *shape: int) -> Tensor:
        return torch.from_numpy(deviation * chance.standard_normal((number, *shape))).float()

    slant, turn, width = normal(hand.slant), normal(math.radians(hand.turn)), normal(hand.width).exp()
    haste = torch.from_numpy(chance.uniform(0, hand.haste, (number, 1, 1))).float()
    bend, warp = normal(hand.bend, 2), normal(hand.warp, 2, 2)
    waves, phases = normal(0.6, 2, 2), normal(math.pi, 2)
    curves = []
    for stroke in strokes:
        points = torch.tensor(stroke) - torch.tensor([0.35, 0.5])
        weights = _spline(points)
        wobble = normal(hand.wobble, *points.shape)
        corner = (points[1:] == points[:-1]).all(dim=1).nonzero().flatten()
        wobble[:, corner + 1] = wobble[:, corner]  # a corner moves as one
        points = points + wobble + normal(hand.placing, 1, 2)
        points = _with_ends(points, normal(hand.ends, 2))
        curve = weights @ points
        curve = (1 - haste) * curve + haste * _smooth(curve, 6)
        if len(stroke) > 1:
            curve = curve + _smooth(normal(4 * hand.tremor, *curve.shape[1:]), 4)
        curve = curve + torch.sin(2 * math.pi * curve @ waves + phases[:, None]) @ warp
        x, y = curve.unbind(2)
        x = width[:, None] * (x + 4 * bend[:, :1] * (0.25 - y * y)) - slant[:, None] * y
        y = y + 4 * bend[:, 1:] * (0.25 - x * x)
        cos, sin = turn.cos()[:, None], turn.sin()[:, None]
        curves.append(torch.stack([cos * x - sin * y, sin * x + cos * y], dim=2))
    return curves, hand.pen / 2 * normal(hand.pen_spread).exp()


def draw(points: Tensor, radius: Tensor) -> Tensor:
    """Draw curves with a round pen in MNIST's form.

    A pixel's grey goes with the distance between its middle and the nearest of the points. It is close to the share of
    ink that `digit_image` counts, and hundreds of times as fast.

    Args:
        points: of N drawings, N×points×2, so close together that the pen leaves no gaps.
        radius: of each pen, N, in the same unit.

    Returns:
        Images, uint8 N×1×28×28.
    """
    low, high = points.amin(1), points.amax(1)
    extent = (high - low).amax(1) + 2 * radius
    points = (points - (low + high)[:, None] / 2) * (BOX / extent)[:, None, None]  # pixels from the box's middle
    radius = radius * BOX / extent
    middles = torch.arange(BOX) + 0.5 - BOX / 2
    pixels = torch.cartesian_prod(middles, middles).flip(1)  # (x, y), row by row
    boxes = []
    for some, width in zip(points.split(AT_ONCE), radius.split(AT_ONCE), strict=True):
        # |pixel - point|² = |pixel|² - 2 pixel·point + |point|²
        squares = (some * some).sum(2)[:, None] - 2 * pixels @ some.transpose(1, 2)
        distances = (squares.amin(2) + (pixels * pixels).sum(1)).clamp(min=0).sqrt()
        boxes.append((width[:, None] - distances + 0.5).clamp(0, 1))
    grey = torch.cat(boxes).view(-1, BOX, BOX)
    levels = (255 * grey / grey.amax((1, 2), keepdim=True) + 0.5).to(torch.uint8)
    return torch.from_numpy(centred(levels.numpy()))[:, None]


def _drawn_by_lot(number: int, styles: Sequence[Style], seed: int) -> tuple[Tensor, Tensor]:
    """The place of each image's style among the styles, and each image's digit."""
    if number < 1:
        raise ValueError(f"write 1 image or more, not {number}")
    if not styles:
        raise ValueError("give at least one style to write in")
    digits = sorted({style.digit for style in styles})
    of_digit = {digit: [place for place, style in enumerate(styles) if style.digit == digit] for digit in digits}
    places = []
    for image in range(number):  # in turn, so that all come equally often
        own = of_digit[digits[image % len(digits)]]
        places.append(own[image // len(digits) % len(own)])
    order = torch.from_numpy(np.random.default_rng(seed).permutation(places))
    return order, torch.tensor([style.digit for style in styles])[order]


def _spline(points: Tensor) -> Tensor:
    """The weights, samples×points, with which points give a smooth curve through them: a Catmull-Rom spline.

    Source: Catmull and Rom 1974, "A class of local interpolating splines".
    """
    count = len(points)
    rows = []
    unit = torch.eye(count)
    for start in range(count - 1):
        before, after = max(start - 1, 0), min(start + 2, count - 1)
        length = float((points[start + 1] - points[start]).norm())
        steps = math.ceil(length / SPACING)
        for step in range(steps):
            t = step / steps
            rows.append(
                0.5 * (-t + 2 * t**2 - t**3) * unit[before]
                + 0.5 * (2 - 5 * t**2 + 3 * t**3) * unit[start]
                + 0.5 * (t + 4 * t**2 - 3 * t**3) * unit[start + 1]
                + 0.5 * (-(t**2) + t**3) * unit[after]
            )
    return torch.stack([*rows, unit[-1]])


def _with_ends(points: Tensor, by: Tensor) -> Tensor:
    """Move the first and the last point of each stroke along it: outwards where `by` (N×2) is positive."""
    if points.shape[1] < 2:
        return points
    points = points.clone()
    for end, inner, amount in ((0, 1, by[:, :1]), (-1, -2, by[:, 1:])):
        outwards = points[:, end] - points[:, inner]
        length = outwards.norm(dim=1, keepdim=True).clamp(min=1e-6)
        points[:, end] += outwards / length * amount.clamp(min=-length / 2)
    return points


def _smooth(curve: Tensor, times: int) -> Tensor:
    """Replace every point by a mean of it and its neighbours, some times; the ends stay."""
    for _ in range(times):
        inner = curve[:, :-2] / 4 + curve[:, 1:-1] / 2 + curve[:, 2:] / 4
        curve = torch.cat([curve[:, :1], inner, curve[:, -1:]], dim=1)
    return curve
