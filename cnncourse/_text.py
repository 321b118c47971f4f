"""Text that several rooms write alike: shapes, counts and aligned tables."""

import sys
from collections.abc import Iterable

PLAIN = str.maketrans({"×": "x", "±": "+/-", "–": "-", "…": "...", "“": '"', "”": '"'})


def by(shape: Iterable[int]) -> str:
    """Write a shape as in a sentence: 6×28×28."""
    return "×".join(map(str, shape))


def kind_of_number(dtype: object) -> str:
    """Write torch's type of a number as in a sentence: float32."""
    return str(dtype).removeprefix("torch.")


def count(number: int, noun: str) -> str:
    """Write a number with its noun: 1 parameter, 2,000 parameters."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text: str) -> str:
    """Write a text so that the console, or the file that the output goes to, can take it.

    Windows and pipes may know no ×, for example: it becomes an x there. What has no such likeness becomes a question
    mark. Where the output takes everything, as in a notebook, nothing changes.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return text


class Table(list[list[str]]):
    """Rows of text, the first of them the head. Printed, or shown in a notebook, its columns are aligned.

    Args:
        rows: all of the same length.
        left: how many columns, from the first, are aligned to the left; the others are to the right.
    """

    def __init__(self, rows: Iterable[Iterable[str]], left: int = 1):
        super().__init__(map(list, rows))
        self.left = left

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self, strict=True)]
        return printable(
            "\n".join(
                "  ".join(
                    text.ljust(width) if place < self.left else text.rjust(width)
                    for place, (text, width) in enumerate(zip(row, widths, strict=True))
                )
                for row in self
            )
        )
