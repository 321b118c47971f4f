"""The ways in which people write the ten digits, each as the path of a pen.

A path is a text: points "x,y" in hundredths of the digit's height, y downwards, that a smooth curve goes through. `!`
makes a point a corner, and `|` lifts the pen. A seven with a cross is "5,2 70,0! 30,100 | 25,50 68,47".

The forms are drawn by eye after what schools teach and engineers agree on, as each style's `origin` says; none is
traced from a person's writing. Sources: for regional forms Wikipedia, "Regional handwriting variation", for slashed and
dotted zeros Wikipedia, "Slashed zero", for technical drawings ISO 3098-1.
"""

import re
from dataclasses import dataclass

POINT = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(!?)")


@dataclass(frozen=True)
class Style:
    """A way to write a digit.

    Attributes:
        digit: 0 to 9.
        name: of the style, unlike those of the digit's other styles.
        path: of the pen, as the docstring of this module describes it.
        origin: who writes like this, or what the form is after.

    Raises:
        ValueError: there is no such digit, or the path is not one; says what is wrong with it.
    """

    digit: int
    name: str
    path: str
    origin: str = "your own"

    def __post_init__(self) -> None:
        if self.digit not in range(10):
            raise ValueError(f"a digit is 0 to 9, not {self.digit!r}")
        self.strokes()

    def __str__(self) -> str:
        return f"{self.digit} {self.name}"

    def strokes(self) -> list[list[tuple[float, float]]]:
        """Return the points of each stroke, (x, y) in heights of the digit; a corner stands twice."""
        return strokes_of(self.path)


def strokes_of(path: str) -> list[list[tuple[float, float]]]:
    """Return the points of each stroke of a path, (x, y) in heights of the digit; a corner stands twice.

    Raises:
        ValueError: the path is not one; says where.
    """
    strokes = []
    for text in path.split("|"):
        points = []
        for word in text.split():
            match = POINT.fullmatch(word)
            if match is None:
                raise ValueError(f"{word!r} is no point. Write x,y in hundredths, as in 5,2 or 70,0! for a corner")
            point = float(match[1]) / 100, float(match[2]) / 100
            points += [point, point] if match[3] else [point]
        if not points:
            raise ValueError(f"the path {path!r} has a stroke without a point")
        strokes.append(points)
    return strokes


# Pieces that several styles share.
OVAL = "41,1 18,7 2,33 2,67 17,93 41,99 62,82 70,50 62,18 41,1"
BELLY = "35,37 62,50 67,72 50,94 25,100 3,90"  # of a five
CROSS = "25,50 68,47"  # of a seven

STYLES = (
    Style(0, "plain", OVAL, "everywhere: one stroke, against the clock"),
    Style(0, "open", "49,5 25,2 6,23 1,58 13,88 36,100 58,87 69,55 63,21", "fast writing: the ends do not meet"),
    Style(0, "overlapping", "50,8 35,4 11,17 0,48 7,81 29,99 54,92 69,64 66,30 47,7 35,15", "fast writing"),
    Style(0, "egg", "50,0 20,20 5,60 30,98 60,80 65,35 45,3", "cursive hands: begun at the top right"),
    Style(0, "slashed", f"{OVAL} | 16,82 56,18", "radio operators and programmers, against the letter O"),
    Style(0, "slashed beyond", f"{OVAL} | -2,100 74,-2", "the same, as the sign for a diameter"),
    Style(0, "slashed in one", "55,8 44,4 19,7 2,33 2,67 19,93 44,96 64,77 70,43 57,13 60,10! 13,88",
          "the same, without lifting the pen"),
    Style(0, "slashed the other way", f"{OVAL} | 14,20 58,80", "terminals of the 1970s; left-handed writers"),
    Style(0, "dotted", f"{OVAL} | 34,47 36,53", "the IBM 3270 terminal and typefaces for programmers"),
    Style(0, "barred", f"{OVAL} | 10,55 62,45", "hurried slashes that lie nearly flat"),

    Style(1, "line", "50,0 50,100", "Britain, North America, India"),
    Style(1, "bowed", "55,0 47,30 45,65 50,100", "the same, fast"),
    Style(1, "flag", "25,25 50,0! 50,100", "most of Europe, and print"),
    Style(1, "long flag", "10,42 52,0! 52,100", "Germany, Austria, Switzerland: an upstroke of half the height"),
    Style(1, "upstroke", "0,66 52,0! 52,100", "France, Spain: an upstroke nearly from the foot"),
    Style(1, "curved flag", "15,30 35,20 50,0! 50,50 48,100", "school hands of France and Italy"),
    Style(1, "flat flag", "25,10 50,0! 50,100", "small serif, as in print"),
    Style(1, "foot", "50,0 50,100 | 25,100 75,100", "forms and technical drawings"),
    Style(1, "flag and foot", "25,25 50,0! 50,100 | 25,100 75,100", "the same, with a flag: as most typefaces have it"),
    Style(1, "long flag and foot", "10,38 52,0! 50,100 | 15,100 85,99", "the same, large"),
    Style(1, "flag and foot in one", "25,28 50,0! 50,100! 20,100! 80,100", "the same, without lifting the pen"),
    Style(1, "hooked foot", "28,25 50,0! 48,50 48,90 56,100 70,93", "cursive hands"),

    Style(2, "round", "3,25 15,5 38,0 60,12 58,38 35,68 2,100! 70,100", "manuscript hands: a corner at the foot"),
    Style(2, "looped", "5,22 25,2 52,6 60,30 40,65 15,93 2,88 12,77 35,88 72,98", "cursive hands: a loop at the foot"),
    Style(2, "wavy", "5,25 25,0 55,10 52,42 28,72 2,98! 25,90 50,100 75,90",
          "Palmer's method, United States: a wave as a foot"),
    Style(2, "angular", "5,5 60,0! 2,100! 65,100", "fast writing: like a Z"),
    Style(2, "hooked", "15,30 3,22 20,2 52,5 58,35 30,72 3,100! 68,98", "cursive hands: begun with a curl"),
    Style(2, "swan", "5,20 30,0 52,20 42,55 15,95 2,90 20,82 45,98 80,85",
          "the same, with a small loop and a rising foot"),

    Style(3, "round", "5,12 30,0 56,12 52,35 25,46! 55,55 64,78 40,100 3,90",
          "manuscript hands: a corner at the waist"),
    Style(3, "flat-topped", "5,0 58,0! 25,40! 50,45 62,70 42,97 3,92",
          "Britain, old print, against a 3 that is made an 8"),
    Style(3, "looped", "5,14 30,0 56,14 42,42 24,50 22,42 38,46 62,68 42,100 3,88",
          "cursive hands: a loop at the waist"),
    Style(3, "soft", "5,10 32,0 55,15 42,40 36,48 52,58 60,80 36,100 3,90", "fast writing: hardly a waist"),
    Style(3, "large below", "12,10 32,0 50,12 26,32! 60,42 66,75 35,100 0,85", "cursive hands: old-style figures"),
    Style(3, "angular", "5,2 55,20! 20,45! 60,75! 5,100", "fast writing: four straight lines"),

    Style(4, "open", "12,0 4,56! 72,54 | 50,8 48,100", "manuscript hands, in two strokes"),
    Style(4, "open and round", "10,0 4,32 10,54 36,58 70,48 | 55,2 48,100", "the same, fast"),
    Style(4, "closed", "50,0 2,66! 72,66 | 50,0 50,100", "print and calculators"),
    Style(4, "closed in one", "68,64 2,62! 50,0! 48,100", "without lifting the pen"),
    Style(4, "open in one", "12,5 3,55! 50,52! 58,10! 45,100", "without lifting the pen"),
    Style(4, "short stem", "40,0 2,62! 70,60 | 48,32 42,100", "Germany: the stem crosses low"),
    Style(4, "looped", "8,0 3,42 20,56 45,42 58,8! 50,50 42,100", "cursive hands: like a y"),

    Style(5, "two strokes", f"10,0 7,40! {BELLY} | 10,0 62,0", "schools: the hat comes last"),
    Style(5, "one stroke", f"62,0 12,2! 8,42! {BELLY}", "fast writing: the hat comes first"),
    Style(5, "loose hat", f"8,10 7,45! {BELLY} | 20,3 75,-6", "the hat does not touch"),
    Style(5, "round", "60,3 35,0 12,12 12,36 40,46 60,68 45,95 5,95", "fast writing: like an S"),
    Style(5, "slanted hat", f"15,8 5,42! {BELLY} | 13,10 70,-2", "the hat rises"),
    Style(5, "angular", "60,0 12,0! 10,45! 55,48! 50,95! 2,100", "displays and drawings"),

    Style(6, "curved", "55,0 25,20 5,60 15,93 42,100 60,80 45,57 20,58 6,75", "schools: one stroke"),
    Style(6, "straight", "50,0 28,33 8,68 15,96 42,98 55,75 38,58 12,70",
          "Germany, technical drawings: a straight back"),
    Style(6, "small loop", "50,0 20,30 5,75 22,100 40,90 35,74 10,82", "fast writing"),
    Style(6, "hooked", "65,15 50,0 20,15 4,55 15,95 45,98 60,75 40,55 8,68", "print"),
    Style(6, "open", "45,0 15,30 4,70 20,98 50,92 55,68 36,58", "fast writing: like a b"),
    Style(6, "upright", "12,0 5,40 5,75 25,100 55,88 52,60 28,52 6,70", "a stem and a bowl: like a b"),

    Style(7, "plain", "5,2 70,0! 30,100", "Britain, North America, India"),
    Style(7, "crossed", f"5,2 70,0! 30,100 | {CROSS}", "most of Europe and Latin America, against a 1 with a flag"),
    Style(7, "hooked", "5,18 7,2! 70,0! 30,100", "print, East Asia"),
    Style(7, "hooked and crossed", f"5,18 7,2! 70,0! 30,100 | {CROSS}", "France, Spain"),
    Style(7, "curved", "3,6 35,3 68,0! 45,40 32,100", "print: a bent stem"),
    Style(7, "wavy", "2,16 15,2 40,10 68,0! 48,45 28,100", "Germany: a wave as the bar"),
    Style(7, "wavy and crossed", f"2,16 15,2 40,10 68,0! 48,45 28,100 | {CROSS}", "Germany"),
    Style(7, "round", "5,8 35,0 58,8 55,30 40,60 30,100", "fast writing: no corner"),

    Style(8, "one stroke", "55,14 32,0 10,14 18,38 45,56 58,80 32,100 6,80 20,56 48,36 55,14",
          "schools: begun like an S"),
    Style(8, "two circles", "36,0 21,3 11,15 11,31 21,43 36,46 49,38 54,23 49,8 36,0 |"
          " 32,46 13,52 3,68 7,86 22,98 42,98 57,87 61,68 51,52 32,46",
          "one circle on the other"),
    Style(8, "open", "60,3 30,2 12,18 25,40 50,60 55,85 28,100 6,82 22,55 45,34 66,12",
          "fast writing: the ends do not meet"),
    Style(8, "from the middle", "32,47 10,26 20,2 46,4 54,26 32,47 8,72 20,98 48,97 58,74 34,48",
          "against the clock above, then below"),
    Style(8, "straight back", "50,5 20,3 12,22 35,48 55,78 35,100 10,88 20,60 58,6",
          "fast writing: a straight upstroke"),

    Style(9, "straight", "55,12 35,0 10,12 10,38 35,48 55,30 57,5! 55,50 52,100",
          "Germany, North America: a straight stem"),
    Style(9, "curved", "56,15 35,0 8,15 10,40 35,48 56,30 58,12 60,55 45,93 20,100 5,88",
          "France, print: a curved tail"),
    Style(9, "leaning", "55,10 30,0 8,20 20,42 48,32 60,8! 42,55 25,100", "fast writing"),
    Style(9, "two strokes", "57,21 48,6 32,0 16,6 7,21 10,38 23,48 41,48 54,38 57,21 | 57,10 55,100",
          "manuscript hands: a ball and a stick"),
    Style(9, "small loop", "50,8 30,2 18,20 30,35 50,20 52,8 50,55 45,100", "fast writing"),
    Style(9, "open", "42,0 12,10 6,35 28,45 55,28 62,5! 52,50 45,100", "fast writing: the loop does not close"),
    Style(9, "hooked", "55,15 30,0 8,20 25,44 52,28 57,10 55,60 50,90 35,100 20,92",
          "school hands of Eastern Europe: a hook at the foot"),
)  # fmt: skip


def styles_of(*digits: int) -> tuple[Style, ...]:
    """Return the course's styles of some digits."""
    return tuple(style for style in STYLES if style.digit in digits)


def find_style(digit: int, name: str) -> Style:
    """Return the course's style of that digit with that name.

    Raises:
        ValueError: there is none; says which there are.
    """
    for style in styles_of(digit):
        if style.name == name:
            return style
    names = ", ".join(style.name for style in styles_of(digit))
    raise ValueError(f"there is no style {name!r} of {digit}. There are: {names or 'none; a digit is 0 to 9'}")
