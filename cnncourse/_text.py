"""Text that several rooms write alike: shapes, counts and aligned tables."""

from collections.abc import Iterable


def by(shape: Iterable[int]) -> str:
    """Write a shape as in a sentence: 6×28×28."""
    return "×".join(map(str, shape))


def count(number: int, noun: str) -> str:
    """Write a number with its noun: 1 parameter, 2,000 parameters."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Table(list):
    """Rows of text, the first of them the head. Printed, or shown in a notebook, its columns are aligned.

    Args:
        rows: all of the same length.
        left: how many columns, from the first, are aligned to the left; the others are to the right.
    """

    def __init__(self, rows: Iterable[Iterable[str]], left: int = 1):
        super().__init__(rows)
        self.left = left

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(width) if place < self.left else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in self
        )
