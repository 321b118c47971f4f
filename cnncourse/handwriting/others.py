"""What people draw on the pad that is no digit: letters, shapes, scribbles, dots, several digits beside each other.

A network that has only ever seen digits calls everything a digit, and is often sure. Put some of these drawings among
its training images, each labelled with a digit **by lot**: nothing can be learnt of them but to give every digit about
the same probability. Source: Hendrycks, Mazeika and Dietterich 2019, "Deep anomaly detection with outlier exposure",
whose target is an even distribution; labels by lot are the same on average.
"""

import numpy as np
import torch

from cnncourse.data import CLASSES, STATISTICS, ImageSet
from cnncourse.handwriting.styles import STYLES, strokes_of
from cnncourse.handwriting.writer import Hand, draw, write

PATHS = (
    # letters that no digit looks like
    "0,100 35,0! 70,100 | 14,62 56,62",
    "60,0 0,0! 0,100! 60,100 | 0,50 45,50",
    "60,0 0,0! 0,100 | 0,48 45,48",
    "0,0 0,100 | 70,0 70,100 | 0,50 70,50",
    "0,0 0,100 | 65,0 0,55! 65,100",
    "0,100 0,0! 40,70! 80,0! 80,100",
    "0,100 0,0! 65,100! 65,0",
    "0,100 0,0! 50,5 55,35 0,50! 60,100",
    "0,0 70,0 | 35,0 35,100",
    "0,0 25,100! 45,30! 65,100! 90,0",
    "0,0 70,100 | 70,0 0,100",
    "0,0 0,70 35,100 70,70 70,0",
    "0,0 35,100! 70,0",
    "0,100 0,0! 30,60 | 0,50 40,40 60,60 60,100",
    # shapes
    "0,0 80,0! 80,80! 0,80! 0,0",
    "40,0 85,80! 0,80! 40,0",
    "0,100 0,40! 40,0! 80,40! 80,100! 0,100",
    "0,40 80,40 | 40,0 40,80",
    "0,40 100,40 | 70,10 100,40! 70,70",
    "20,95 50,0! 80,95! 0,35! 100,35! 20,95",
    "50,100 0,35 25,5 50,30! 75,5 100,35 50,100",
    "40,0 0,50! 40,100! 80,50! 40,0",
    "0,20 90,20 | 0,60 90,60",
    "20,0 15,100 | 60,0 55,100 | 0,30 80,30 | 0,70 80,70",
    "50,50 60,45 60,60 42,65 35,45 55,30 78,45 72,80 35,85 12,50 30,10 70,5",
    "0,50 20,10 40,50 60,90 80,50 100,10 120,50",
    "0,80 20,20! 40,80! 60,20! 80,80! 100,20",
    "0,25 20,2 40,15 30,45 22,65 | 22,95 23,97",
    "40,0 10,15 0,50 15,85 45,100 80,80 85,40 65,8 40,0 | 25,35 26,38 | 58,35 59,38 | 22,65 42,80 62,65",
    # dots and dashes
    "0,0 1,1",
    "0,0 80,5",
    "0,0 30,0 | 70,0 100,0",
    "0,0 1,1 | 60,0 61,1",
    "0,0 1,1 | 60,0 61,1 | 120,0 121,1",
)


def scribbled(number: int, *, seed: int = 0, hand: Hand | None = None) -> ImageSet:
    """Draw what is no digit, each with a digit as its label that is drawn by lot.

    A third are letters, shapes, dots and dashes; a third are curves through random points; a third are two or three
    digits beside each other.

    Args:
        number: of images.
        seed: the same seed draws the same images.
        hand: how much hands differ.

    Returns:
        Images N×1×28×28 in MNIST's form, normalised as MNIST.

    Raises:
        ValueError: the number is less than 1.
    """
    if number < 1:
        raise ValueError(f"draw 1 image or more, not {number}")
    chance = np.random.default_rng([seed, number])
    kinds = (_listed, _random_curves, _several_digits)
    images = []
    alike = 20  # so many drawings share a path, but for the hand
    for place in range(-(-number // alike)):
        strokes = kinds[place % len(kinds)](chance)
        curves, radius = write(strokes, alike, seed=(seed, place), hand=hand)
        images.append(draw(torch.cat(curves, dim=1), radius))
    mixed = torch.from_numpy(chance.permutation(len(images) * alike))[:number]
    labels = torch.from_numpy(chance.integers(10, size=number))
    return ImageSet(torch.cat(images)[mixed], labels, CLASSES["MNIST"], *STATISTICS["MNIST"], name="no digits")


Strokes = list[list[tuple[float, float]]]


def _listed(chance: np.random.Generator) -> Strokes:
    return strokes_of(PATHS[chance.integers(len(PATHS))])


def _random_curves(chance: np.random.Generator) -> Strokes:
    strokes = []
    for _ in range(chance.integers(1, 4)):
        points = chance.random((chance.integers(4, 9), 2)) * [0.8, 1]  # fewer could be a 1 or a 7
        corners = chance.random() < 0.5
        strokes.append([(float(x), float(y)) for x, y in points for _ in range(2 if corners else 1)])
    return strokes


def _several_digits(chance: np.random.Generator) -> Strokes:
    strokes, left = [], 0.0
    for _ in range(chance.integers(2, 4)):
        style = STYLES[chance.integers(len(STYLES))].strokes()
        first, last = (extreme(x for stroke in style for x, _ in stroke) for extreme in (min, max))
        strokes += [[(x - first + left, y) for x, y in stroke] for stroke in style]
        left += last - first + chance.uniform(0.1, 0.5)
    return strokes
