"""The drawings that are no digits, on which tests ask whether a network says so."""

from itertools import combinations

import pytest
from nodigits import NO_DIGITS

from cnncourse.handwriting import PAD_SIZE, digit_image


def test_there_are_fifty_and_no_two_look_the_same():
    images = {name: digit_image(strokes).float() for name, strokes in NO_DIGITS.items()}
    assert len(images) == 50
    alike = [pair for pair in combinations(images, 2) if (images[pair[0]] - images[pair[1]]).abs().mean() < 5]
    assert alike == []


@pytest.mark.parametrize("name", NO_DIGITS)
def test_each_lies_on_the_pad(name):
    for stroke in NO_DIGITS[name]:
        assert all(len(point) == 2 and min(point) >= 0 and max(point) <= PAD_SIZE for point in stroke["points"])
        assert 2 <= stroke["radius"] <= 12
