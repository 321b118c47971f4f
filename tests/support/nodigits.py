"""Fifty drawings for the pad that are no digit, by a script: shapes, letters, two digits at once, scribbles.

What looks like a digit is left out: a ring and an O (0), a single upright line, I and l (1), Z (2), S (5), b and G (6),
B (8), q and g (9). They stay as they are: one that a network is sure of is a finding, not a fault of the script.
"""

import math
import random
from typing import Any

from handwriting import HANDWRITING

Line = list[tuple[float, float]]


def drawing(*strokes: Line, radius: float = 10) -> list[dict[str, Any]]:
    """Strokes on the pad, rounded to a tenth."""
    return [{"radius": radius, "points": [[round(x, 1), round(y, 1)] for x, y in stroke]} for stroke in strokes]


def lines(text: str, radius: float = 10) -> list[dict[str, Any]]:
    """Straight lines through points in per cent of the pad's middle part: "0,0 100,100/0,100 100,0" is a cross."""
    return drawing(
        *(
            [(50 + 1.8 * float(x), 50 + 1.8 * float(y)) for x, y in (point.split(",") for point in stroke.split())]
            for stroke in text.split("/")
        ),
        radius=radius,
    )


def arc(x: float, y: float, size: float, start: float = 0, end: float = 360, points: int = 40) -> Line:
    """A part of a circle with its middle at x, y; from `start` to `end` in degrees, 0 to the right, 90 below."""
    angles = [math.radians(start + (end - start) * i / (points - 1)) for i in range(points)]
    return [(x + size * math.cos(angle), y + size * math.sin(angle)) for angle in angles]


def polygon(corners: int, *, turn: float = 0, skip: int = 1) -> Line:
    """A closed polygon of equal sides; with `skip` 2 of five corners a star."""
    angles = [math.radians(turn + 360 * skip * i / corners) for i in range(corners + 1)]
    return [(140 + 95 * math.cos(angle), 140 + 95 * math.sin(angle)) for angle in angles]


def spiral(turns: float, direction: int = 1) -> Line:
    """From the middle outwards."""
    steps = [i / 150 for i in range(151)]
    angles = [direction * 2 * math.pi * turns * step for step in steps]
    places = zip(steps, angles, strict=True)
    return [(140 + 100 * step * math.cos(angle), 140 + 100 * step * math.sin(angle)) for step, angle in places]


def wave(periods: float, height: float) -> Line:
    """A sine from the left to the right."""
    return [(40 + 2 * i, 140 + height * math.sin(2 * math.pi * periods * i / 100)) for i in range(101)]


def zigzag(teeth: int) -> Line:
    """Up and down, from the left to the right."""
    return [(40 + 200 * i / (2 * teeth), 80 if i % 2 else 200) for i in range(2 * teeth + 1)]


def heart() -> Line:
    """The usual curve of a heart: sines of four angles."""
    angles = [2 * math.pi * i / 60 for i in range(61)]
    rise = [13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) for t in angles]
    return [(140 + 96 * math.sin(t) ** 3, 130 - 6 * y) for t, y in zip(angles, rise, strict=True)]


def scribble(seed: int, points: int) -> list[dict[str, Any]]:
    """One line to and fro, from anywhere to anywhere."""
    hand = random.Random(seed)
    return drawing([(hand.uniform(40, 240), hand.uniform(40, 240)) for _ in range(points)], radius=7)


def dots(seed: int, number: int) -> list[dict[str, Any]]:
    """Dots anywhere."""
    hand = random.Random(seed)
    return drawing(*([(hand.uniform(40, 240), hand.uniform(40, 240))] for _ in range(number)))


def side_by_side(*numbers: int) -> list[dict[str, Any]]:
    """Some of the fifty digits, each half as large, from the left to the right."""
    return [
        {
            "radius": stroke["radius"] / 2,
            "points": [[round(x / 2 + 125 * place + 10, 1), round(y / 2 + 70, 1)] for x, y in stroke["points"]],
        }
        for place, number in enumerate(numbers)
        for stroke in HANDWRITING[number][1]
    ]


def smiley(smile: int) -> list[dict[str, Any]]:
    """A face: it smiles with 1, and is sad with -1."""
    mouth = arc(140, 155, 45, 20, 160) if smile > 0 else arc(140, 215, 45, 200, 340)
    return drawing(arc(140, 140, 100), [(105, 110)], [(175, 110)], mouth, radius=8)


# Each by its name; the names are for those who look for the one that a network was sure of.
NO_DIGITS: dict[str, list[dict[str, Any]]] = {
    "a dot": lines("50,50"),
    "two dots": lines("20,50/80,50"),
    "five dots": dots(1, 5),
    "twelve dots": dots(2, 12),
    "a dash": lines("0,50 100,50"),
    "two dashes": lines("0,35 100,35/0,65 100,65"),
    "three dashes": lines("0,20 100,20/0,50 100,50/0,80 100,80"),
    "three falling lines": lines("0,0 60,100/20,0 80,100/40,0 100,100"),
    "four upright lines": lines("0,0 0,100/33,0 33,100/67,0 67,100/100,0 100,100"),
    "a square": lines("0,0 100,0 100,100 0,100 0,0"),
    "a filled square": lines(" ".join(f"{x},{y}" for x in range(0, 101, 8) for y in (0, 100))),
    "a diamond": drawing(polygon(4)),
    "a triangle": drawing(polygon(3, turn=-90)),
    "a triangle on its tip": drawing(polygon(3, turn=90)),
    "a window": lines("0,0 100,0 100,100 0,100 0,0/50,0 50,100/0,50 100,50"),
    "a grid": lines("33,0 33,100/67,0 67,100/0,33 100,33/0,67 100,67"),
    "a house": lines("10,100 10,45 90,45 90,100 10,100/10,45 50,0 90,45"),
    "a house in one line": lines("10,100 90,45 10,45 90,100 10,100 10,45 50,0 90,45 90,100"),
    "a plus": lines("50,0 50,100/0,50 100,50"),
    "a star of lines": lines("50,0 50,100/7,25 93,75/7,75 93,25"),
    "a star": drawing(polygon(5, turn=-90, skip=2)),
    "an arrow to the right": lines("0,50 100,50/65,20 100,50 65,80"),
    "an arrow upwards": lines("50,100 50,0/20,35 50,0 80,35"),
    "a heart": drawing(heart()),
    "a tick": lines("0,55 35,100 100,0"),
    "a target": drawing(arc(140, 140, 100), arc(140, 140, 60), [(140, 140)]),
    "A": lines("0,100 50,0 100,100/20,62 80,62"),
    "E": lines("85,0 15,0 15,100 85,100/15,50 75,50"),
    "F": lines("85,0 15,0 15,100/15,48 72,48"),
    "H": lines("10,0 10,100/90,0 90,100/10,50 90,50"),
    "K": lines("15,0 15,100/85,0 15,52 85,100"),
    "M": lines("0,100 5,0 50,70 95,0 100,100"),
    "N": lines("10,100 10,0 90,100 90,0"),
    "R": drawing([(85, 230), (85, 50), (130, 50), *arc(130, 95, 45, -90, 90), (85, 140)], [(130, 140), (190, 230)]),
    "T": lines("0,0 100,0/50,0 50,100"),
    "W": lines("0,0 25,100 50,30 75,100 100,0"),
    "X": lines("0,0 100,100/100,0 0,100"),
    "1 and 0": side_by_side(5, 0),
    "2 and 3": side_by_side(10, 15),
    "4 and 2": side_by_side(20, 11),
    "7 and 7": side_by_side(35, 36),
    "9 and 8": side_by_side(45, 40),
    "a short scribble": scribble(3, 12),
    "a scribble": scribble(4, 25),
    "a long scribble": scribble(5, 60),
    "a spiral": drawing(spiral(3)),
    "a spiral to the left": drawing(spiral(4, direction=-1), radius=7),
    "a wave": drawing(wave(2, 40)),
    "a zigzag": drawing(zigzag(5)),
    "a smiley": smiley(1),
}
