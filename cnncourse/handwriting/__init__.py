"""Handwriting: strokes become images in MNIST's form, and made-up hands write digits in many countries' styles.

from cnncourse.handwriting import Style, written

images = written(60_000, seed=0)                        # of all styles
mine = Style(7, "mine", "5,2 70,0! 30,100 | 25,50 68,47")
images = written(2_000, [mine])
"""

from cnncourse.handwriting.digits import PAD_SIZE, digit_image
from cnncourse.handwriting.others import scribbled
from cnncourse.handwriting.styles import STYLES, Style, find_style, styles_of
from cnncourse.handwriting.writer import Hand, drawing, written

__all__ = [
    "PAD_SIZE",
    "STYLES",
    "Hand",
    "Style",
    "digit_image",
    "drawing",
    "find_style",
    "scribbled",
    "styles_of",
    "written",
]
