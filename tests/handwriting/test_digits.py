"""Drawings become digits as MNIST's did; tests/js has the same in JavaScript."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handwriting import BAD_DRAWINGS, HANDWRITING

from cnncourse.data._sources import sample_arrays
from cnncourse.handwriting import digit_image, digits

DRAWINGS = [strokes for _, strokes in HANDWRITING]
DOT = [{"radius": 12, "points": [[100, 50]]}]
# A heavy disc at one end of a long thin line: the centre of mass lies far from the middle.
LOPSIDED = [{"radius": 30, "points": [[40, 240]]}, {"radius": 1, "points": [[40, 240], [270, 10]]}]

REFUSED = {
    "no list": "A drawing is a list",
    "no strokes": "A drawing is a list",
    "nothing": "Stroke 2 needs",
    "an empty stroke": "Stroke 1 needs",
    "no radius": "The radius of stroke 1",
    "radius 0": "The radius of stroke 1",
    "a text as radius": "The radius of stroke 1",
    "a truth as radius": "The radius of stroke 1",
    "a point without end": "Every point of stroke 1",
    "a point not a number": "Every point of stroke 1",
    "a point of three": "Every point of stroke 1",
    "a point of text": "Every point of stroke 1",
    "a point far away": "A point of stroke 1 is more",
}


def longer_side(image):
    """Of the box that holds all ink."""
    return max(1 + np.ptp(np.flatnonzero(image.any(axis))) for axis in (0, 1))


def centre(image):
    """The centre of mass in pixels, counted from 0: row and column."""
    image = np.asarray(image, dtype=float)
    return [(image.sum(axis) * np.arange(28)).sum() / image.sum() for axis in (1, 0)]


def changed(strokes, change):
    return [{"radius": stroke["radius"], "points": [change(x, y) for x, y in stroke["points"]]} for stroke in strokes]


def on_quarters(strokes):
    """With coordinates that moving and doubling keep exactly."""
    return changed(strokes, lambda x, y: [round(4 * x) / 4, round(4 * y) / 4])


@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_itself_is_made_like_this(split):
    for image in sample_arrays("MNIST", split)[0][:, 0]:
        side, (row, column) = longer_side(image), centre(image)
        cut_off = side == 19 and (image[[0, -1]].any() or image[:, [0, -1]].any())
        assert side == 20 or cut_off
        assert 13.5 <= row <= 14.5
        assert 13.5 <= column <= 14.5
        assert image.max() >= 254


@pytest.mark.parametrize("strokes", DRAWINGS)
def test_a_drawing_looks_as_mnist_does(strokes):
    image = digit_image(strokes)
    assert image.dtype == torch.uint8
    assert image.shape == (1, 28, 28)
    assert longer_side(image[0].numpy()) == 20
    assert all(13.5 <= place <= 14.5 for place in centre(image[0]))
    assert image.max() == 255


@pytest.mark.parametrize("strokes", [*DRAWINGS[::7], DOT, LOPSIDED])
def test_grey_is_the_share_of_ink(strokes):
    """Against discs, painted one beside the other along every line."""
    drawing = digits.scaled(strokes)
    place = (torch.arange(160) + 0.5) / 8
    samples = torch.cartesian_prod(place, place).flip(1).double()  # x and y, row by row
    painted = torch.zeros(len(samples), dtype=torch.bool)
    for radius, points in drawing:
        line = [points[:1]]
        for start, end in pairwise(points):
            line.append(np.linspace(start, end, 2 + int(50 * np.linalg.norm(end - start))))
        painted |= torch.cdist(samples, torch.from_numpy(np.concatenate(line))).amin(dim=1) <= radius
    shares = F.avg_pool2d(painted.view(1, 160, 160).double(), 8)
    expected = (255 * shares / shares.max()).round()
    box = torch.from_numpy(digits.grey_levels(digits.ink(drawing)))
    assert (box - expected).abs().max() <= 255 / 64 + 1  # one sample point at the very edge of a disc


@pytest.mark.parametrize("strokes", [on_quarters(strokes) for strokes in DRAWINGS[::6]])
def test_place_and_size_on_the_pad_do_not_matter(strokes):
    image = digit_image(strokes)
    assert digit_image(changed(strokes, lambda x, y: [x + 37, y - 51.5])).equal(image)
    doubled = [{**stroke, "radius": 2 * stroke["radius"]} for stroke in changed(strokes, lambda x, y: [2 * x, 2 * y])]
    assert digit_image(doubled).equal(image)


@pytest.mark.parametrize("strokes", [on_quarters(strokes) for strokes in DRAWINGS[::6]])
def test_rows_and_columns_are_treated_alike(strokes):
    assert digit_image(changed(strokes, lambda x, y: [y, x])).equal(digit_image(strokes).mT)


def test_a_dot_becomes_a_disc_of_20_pixels():
    image = digit_image(DOT)[0]
    assert longer_side(image.numpy()) == 20
    assert centre(image) == [13.5, 13.5]  # where MNIST's images are at a tie, too
    assert image.sum() / 255 == pytest.approx(np.pi * 10**2, rel=0.002)
    assert image[13, 13] == 255


def test_no_ink_leaves_the_field():
    image = digit_image(LOPSIDED)[0]
    box = digits.grey_levels(digits.ink(digits.scaled(LOPSIDED)))
    assert image.sum() == box.sum()
    row, column = centre(image)
    assert row > 14.5
    assert image[0].any()  # the centre of mass is too low, and the image can't go up
    assert column < 13.5
    assert image[:, -1].any()


def test_a_line_of_a_hair_stays_whole():
    for end in ([270, 141], [140.5, 270], [270, 270]):
        image = digit_image([{"radius": 0.01, "points": [[10, 10], end]}])[0]
        assert longer_side(image.numpy()) == 20
        assert image.max() == 255


def test_an_empty_drawing_says_what_to_do():
    with pytest.raises(ValueError, match="draw something"):
        digit_image([])


@pytest.mark.parametrize("name", BAD_DRAWINGS)
def test_what_is_not_a_drawing_is_refused(name):
    with pytest.raises(ValueError, match=REFUSED[name]):
        digit_image(BAD_DRAWINGS[name])
