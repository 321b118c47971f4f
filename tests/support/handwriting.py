"""Fifty digits for the drawing pad, written by a script as people write: five of each, all different.

They were written down, and looked at, before any network saw them. They stay as they are: a digit that a network reads
wrongly is a finding, not a fault of the script.
"""

import math
import random
from itertools import pairwise
from typing import NamedTuple


class Script(NamedTuple):
    """One digit: its strokes, separated by "/", as points that a smooth line passes through; a point twice is a corner.

    The points are percentages of the digit's width and height. All else is in units of the pad of 280: the place of its
    left upper corner, its width and height, how far its top leans to the right, the brush's radius, how much the hand
    trembles, and how far the pen moves between two points.
    """

    digit: int
    strokes: str
    left: int
    top: int
    width: int
    height: int
    lean: int = 0
    radius: int = 11
    tremble: float = 1
    step: float = 4


SCRIPTS = [
    Script(0, "50,0 18,14 2,50 16,88 50,100 84,88 98,50 84,14 52,1", 80, 45, 120, 190),
    Script(0, "70,4 40,0 8,30 4,70 34,99 72,92 98,60 92,22 60,2 44,10", 40, 30, 170, 180, 20, 14, 2, 7),
    Script(0, "64,7 30,6 4,40 10,82 46,100 86,84 100,44 84,14", 140, 70, 65, 150, 25, 8, 1.5, 3),
    Script(0, "40,2 10,28 6,72 40,99 80,84 98,46 80,10 42,0", 30, 110, 130, 110, 0, 9, 2, 9),
    Script(0, "80,12 44,0 10,22 0,60 30,98 74,96 100,60 94,24 66,4 52,18", 60, 20, 150, 230, 30, 7, 3, 12),
    Script(1, "50,0 52,50 50,100", 130, 40, 10, 200),
    Script(1, "0,28 30,16 60,0 60,0 62,50 60,100", 90, 50, 70, 180, 10, 13, 1.5, 6),
    Script(1, "10,25 55,0 55,0 54,50 52,100/10,100 50,101 95,98", 90, 60, 90, 150, 0, 8, 1, 5),
    Script(1, "60,0 50,50 40,100", 60, 20, 40, 220, 60, 16, 2, 10),
    Script(1, "15,22 40,12 62,0 62,0 60,55 56,100", 180, 120, 50, 120, 15, 6, 1, 3),
    Script(2, "5,22 25,3 60,0 90,20 78,48 40,78 2,100 2,100 50,98 100,97", 70, 50, 130, 170),
    Script(2, "8,25 30,2 70,4 88,28 66,60 30,90 10,96 6,84 24,80 55,92 98,98", 50, 40, 160, 200, 15, 12, 2, 6),
    Script(2, "6,14 50,0 92,12 80,40 5,98 5,98 50,101 96,100", 100, 90, 90, 120, 20, 7, 1, 4),
    Script(2, "0,30 20,6 55,0 84,16 82,38 50,70 6,98 6,98 40,90 70,100 100,90", 30, 60, 200, 150, 0, 14, 2, 9),
    Script(2, "10,34 22,8 58,0 88,16 84,42 54,74 8,100 8,100 55,96 92,100", 150, 30, 80, 190, 30, 9, 3, 11),
    Script(3, "8,12 45,0 85,16 70,40 35,48 35,48 80,56 95,80 50,100 4,88", 80, 50, 110, 180),
    Script(3, "5,4 50,3 90,2 90,2 64,22 40,42 40,42 84,54 94,78 60,99 5,90", 60, 40, 130, 190, 10, 13, 2, 7),
    Script(3, "10,18 40,0 80,10 76,36 42,47 30,50 44,52 90,66 84,94 40,100 6,84", 110, 80, 100, 130, 20, 7, 1, 3),
    Script(3, "14,10 50,0 84,14 78,38 48,47 48,47 88,58 96,82 62,100 20,96 0,84", 20, 20, 120, 240, 15, 15, 2, 10),
    Script(3, "0,14 36,0 72,8 76,30 40,44 40,44 92,50 100,78 60,100 10,94", 120, 100, 130, 120, 0, 9, 2.5, 8),
    Script(4, "20,0 10,30 5,55 5,55 50,54 95,52/72,10 70,50 66,100", 80, 50, 120, 180),
    Script(4, "70,0 35,32 0,65 0,65 50,66 100,65/70,0 71,50 70,100", 70, 60, 130, 160, 10, 13, 1.5, 6),
    Script(4, "18,4 8,40 20,58 60,56 90,48/85,0 80,50 78,100", 100, 40, 100, 200, 20, 8, 2, 5),
    Script(4, "75,100 76,50 75,0 75,0 38,34 2,68 2,68 50,68 100,66", 40, 90, 140, 130, 0, 10, 2, 9),
    Script(4, "24,6 14,34 4,62 4,62 50,60 100,56/60,22 54,60 46,100", 50, 30, 170, 210, 35, 16, 3, 11),
    Script(5, "85,2 50,3 20,4 20,4 17,24 14,45 14,45 55,36 92,60 78,92 35,100 4,88", 80, 50, 120, 180),
    Script(5, "22,3 20,24 16,46 16,46 60,40 92,68 64,98 6,92/22,3 55,2 90,0", 60, 40, 140, 200, 15, 13, 1.5, 6),
    Script(5, "92,8 50,2 18,18 30,42 70,52 90,76 60,98 8,92", 110, 70, 100, 150, 20, 8, 1.5, 4),
    Script(5, "28,8 26,26 20,44 20,44 58,42 86,62 72,92 30,100 0,90/26,8 60,6 100,12", 30, 60, 170, 160, 10, 11, 3, 10),
    Script(5, "80,0 45,3 24,4 24,4 14,40 14,40 50,34 84,50 88,78 54,100 10,94", 150, 20, 90, 230, 10, 16, 2, 8),
    Script(6, "80,4 40,18 8,60 20,94 62,100 92,78 70,54 30,58 12,76", 80, 50, 110, 180),
    Script(6, "62,0 25,38 5,72 30,99 75,92 80,66 48,58 14,74", 70, 40, 130, 200, 20, 13, 2, 7),
    Script(6, "88,10 60,0 25,22 4,62 22,96 66,99 95,74 66,50 24,62 10,78", 110, 90, 90, 120, 10, 7, 1, 3),
    Script(6, "46,0 18,34 2,74 28,100 78,96 98,76 72,60 30,66 8,82", 40, 30, 120, 220, 0, 16, 2, 10),
    Script(6, "100,8 58,12 20,42 10,78 40,100 82,90 84,66 54,58 22,74", 60, 100, 160, 130, 0, 9, 2.5, 9),
    Script(7, "2,4 50,2 95,2 95,2 55,50 30,100", 80, 50, 120, 180),
    Script(7, "4,8 50,4 96,2 96,2 62,45 44,100/22,52 55,48 88,47", 70, 40, 130, 200, 10, 12, 2, 6),
    Script(7, "5,22 8,4 8,4 50,4 92,3 92,3 60,48 44,100", 100, 80, 90, 130, 10, 7, 1, 3),
    Script(7, "2,10 40,2 90,6 84,30 50,70 40,100", 30, 30, 150, 220, 20, 16, 2, 10),
    Script(7, "0,6 45,10 100,0 100,0 70,40 52,100/38,54 66,50 100,52", 120, 60, 110, 170, 0, 9, 2.5, 8),
    Script(8, "80,12 45,0 15,18 35,42 75,60 88,86 50,100 12,84 28,58 70,40 86,18 76,8", 85, 50, 110, 180),
    Script(
        8,
        "50,48 18,38 16,12 50,0 84,12 82,38 50,48/50,48 8,64 6,88 50,100 94,88 92,64 50,48",
        *(60, 40, 120, 200, 10, 12, 2, 6),
    ),
    Script(8, "86,20 60,0 22,10 24,36 70,58 90,82 58,100 14,90 14,68 60,44 92,24", 110, 90, 85, 120, 20, 7, 1, 3),
    Script(8, "60,44 30,34 24,10 58,0 84,14 70,38 24,60 6,84 40,100 84,92 86,66 54,44", 30, 20, 150, 230, 25, 16, 2, 9),
    Script(8, "90,6 50,2 20,20 44,42 86,64 80,94 36,100 6,82 26,56 64,38 96,12", 100, 70, 140, 150, 0, 10, 3, 11),
    Script(9, "88,14 50,0 8,22 20,48 60,46 88,18 88,18 86,60 70,100", 85, 50, 105, 180),
    Script(9, "84,20 50,2 12,18 16,42 50,50 84,22 84,22 83,60 82,100", 70, 40, 120, 200, 15, 13, 1.5, 7),
    Script(9, "90,22 60,0 16,12 12,40 50,50 86,28 90,50 80,88 44,100 14,88", 110, 80, 90, 130, 10, 7, 1, 3),
    Script(9, "96,16 54,0 10,16 6,40 44,52 92,34 96,16 96,16 80,58 50,100", 40, 30, 140, 210, 10, 16, 2.5, 10),
    Script(9, "78,6 34,4 4,28 24,50 66,40 86,12 86,12 92,50 100,100", 130, 110, 95, 110, 5, 8, 2, 6),
]


def drawing(script: Script, seed: int) -> list[dict]:
    """The strokes, with a radius and points in units of the pad, rounded to a tenth."""
    hand = random.Random(seed)
    strokes = []
    for stroke in script.strokes.split("/"):
        corners = [tuple(map(float, point.split(","))) for point in stroke.split()]
        line = [on_pad(script, x / 100, y / 100) for x, y in smooth(corners)]
        points = trembling(evenly_spaced(line, script.step), script.tremble, hand)
        strokes.append({"radius": script.radius, "points": [[round(x, 1), round(y, 1)] for x, y in points]})
    return strokes


def on_pad(script, x, y):
    return script.left + x * script.width + (1 - y) * script.lean, script.top + y * script.height


def smooth(points):
    """A Catmull-Rom curve through the points, in many short pieces; where a point stands twice, it has a corner."""
    line = [points[0]]
    for index, (start, end) in enumerate(pairwise(points)):
        if start == end:
            continue
        before, after = points[max(index - 1, 0)], points[min(index + 2, len(points) - 1)]
        for piece in range(1, 41):
            line.append(tuple(catmull_rom(*axis, piece / 40) for axis in zip(before, start, end, after, strict=True)))
    return line


def catmull_rom(before, start, end, after, t):
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )


def evenly_spaced(line, step):
    """The first point of the line, then one whenever the pen has moved by a step, then the last."""
    points, moved = [line[0]], 0
    for start, end in pairwise(line):
        moved += math.dist(start, end)
        if moved >= step:
            points.append(end)
            moved = 0
    return [*points, line[-1]]


def trembling(points, size, hand):
    """The points, moved a little by waves of random phase, about one along 20 points and one along 7."""
    phases = [hand.uniform(0, 2 * math.pi) for _ in range(4)]

    def wave(index, slow, fast):
        return size * (math.sin(index / 20 * 2 * math.pi + slow) + 0.5 * math.sin(index / 7 * 2 * math.pi + fast))

    return [(x + wave(i, *phases[:2]), y + wave(i, *phases[2:])) for i, (x, y) in enumerate(points)]


# Pairs of a digit and its drawing, each digit's five in a row.
HANDWRITING = [(script.digit, drawing(script, seed)) for seed, script in enumerate(SCRIPTS)]
# Three of each digit, which the best network is to read with at most two mistakes.
FIRST_THREE = [drawing for number, drawing in enumerate(HANDWRITING) if number % 5 < 3]

# What is no drawing: one of each kind.
BAD_DRAWINGS = {
    "no list": "a drawing",
    "no strokes": {"radius": 8, "points": [[1, 2]]},
    "nothing": [{"radius": 12, "points": [[100, 50]]}, None],
    "an empty stroke": [{"radius": 8, "points": []}],
    "no radius": [{"points": [[1, 2]]}],
    "radius 0": [{"radius": 0, "points": [[1, 2]]}],
    "a text as radius": [{"radius": "8", "points": [[1, 2]]}],
    "a truth as radius": [{"radius": True, "points": [[1, 2]]}],
    "a point without end": [{"radius": 8, "points": [[float("inf"), 2]]}],
    "a point not a number": [{"radius": 8, "points": [[1, 2], [float("nan"), 2]]}],
    "a point of three": [{"radius": 8, "points": [[1, 2, 3]]}],
    "a point of text": [{"radius": 8, "points": ["12"]}],
    "a point far away": [{"radius": 8, "points": [[1, 2], [1e9, 2]]}],
}


def random_drawing(seed):
    """Straight lines from anywhere to anywhere, also beyond the pad, with brushes from a hair to a roller."""
    dice = random.Random(seed)
    radius = [0.02, 0.5, 3, 8, 12, 20, 90]
    return [
        {
            "radius": dice.choice(radius) * dice.uniform(0.8, 1.2),
            "points": [[dice.uniform(-20, 300), dice.uniform(-20, 300)] for _ in range(dice.randint(1, 12))],
        }
        for _ in range(dice.randint(1, 3))
    ]
