"""Written digits: their styles, the hands that write them, and MNIST's form."""

from collections import Counter
from dataclasses import fields, replace

import pytest
import torch

from cnncourse.handwriting import STYLES, Hand, Style, digit_image, drawing, find_style, scribbled, styles_of, written
from cnncourse.handwriting.writer import draw, write

STILL = Hand(**{field.name: 0 for field in fields(Hand)} | {"pen": 0.13})  # writes every time the same


def test_every_digit_is_written_in_several_ways_and_each_says_who_writes_so():
    assert min(Counter(style.digit for style in STYLES).values()) >= 4
    assert len({str(style) for style in STYLES}) == len(STYLES)
    assert len({style.path for style in STYLES}) == len(STYLES)
    assert all(style.origin and style.origin != "your own" for style in STYLES)
    assert find_style(0, "slashed") in styles_of(0, 1)
    with pytest.raises(ValueError, match=r"no style 'round' of 1\. There are: line, bowed"):
        find_style(1, "round")


def test_written_digits_have_mnists_form():
    images = written(400, seed=5).images[:, 0].double()
    ink = images > 0
    extents = [ink.any(axis).sum(1) for axis in (1, 2)]
    assert torch.maximum(*extents).min() >= 18  # a thin end may fade
    assert torch.maximum(*extents).max() <= 20
    assert (images.amax((1, 2)) == 255).all()
    for axis in (1, 2):
        masses = images.sum(axis)
        centre = (masses * torch.arange(28)).sum(1) / masses.sum(1)
        assert ((centre > 13.49) & (centre < 14.51)).double().mean() > 0.98


def test_classes_and_styles_come_equally_often():
    digits = written(500)
    assert digits.labels.bincount().tolist() == [50] * 10
    assert digits.classes == tuple("0123456789")
    two = written(60, [find_style(0, "slashed"), find_style(7, "crossed")])
    assert two.labels.bincount(minlength=10).tolist() == [30, 0, 0, 0, 0, 0, 0, 30, 0, 0]
    assert two.preprocessing == digits.preprocessing


def test_the_same_seed_writes_the_same():
    assert torch.equal(written(50, seed=3).images, written(50, seed=3).images)
    assert not torch.equal(written(50, seed=3).images, written(50, seed=4).images)
    assert torch.equal(scribbled(50, seed=3).images, scribbled(50, seed=3).images)
    assert not torch.equal(scribbled(50, seed=3).images, scribbled(50, seed=4).images)
    assert drawing(STYLES[0], seed=1) == drawing(STYLES[0], seed=1) != drawing(STYLES[0], seed=2)


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_drawing_and_written_image_are_nearly_one(style):
    """Distances at the pixels' middles say nearly the same as the counted points of `digit_image`."""
    curves, radius = write(style.strokes(), 3, seed=(1,))
    fast = draw(torch.cat(curves, dim=1), radius)
    for number in range(3):
        strokes = [{"radius": float(radius[number]), "points": curve[number].tolist()} for curve in curves]
        exact = digit_image(strokes)
        shifts = [fast[number].roll((y, x), (1, 2)) for y in (-1, 0, 1) for x in (-1, 0, 1)]  # at a tie of the centre
        assert min((exact.float() - shifted.float()).abs().mean() for shifted in shifts) < 3


def test_a_still_hand_writes_every_time_the_same_and_each_value_changes_that():
    style = find_style(7, "crossed")
    first, second = written(2, [style], hand=STILL).images
    assert torch.equal(first, second)
    for field in fields(Hand):
        moved = written(2, [style], hand=replace(STILL, **{field.name: getattr(Hand(), field.name) or 1, "pen": 0.13}))
        if field.name != "pen":
            assert not torch.equal(*moved.images), field.name
    assert written(1, [style], hand=replace(STILL, pen=0.2)).images.sum() > first.sum()


def test_a_corner_is_on_the_way_of_the_pen():
    [curve], _ = write(Style(7, "mine", "0,0 60,0! 30,100").strokes(), 1, seed=(0,), hand=STILL)
    corner = torch.tensor([0.6, 0.0]) - torch.tensor([0.35, 0.5])
    assert (curve[0] - corner).norm(dim=1).min() < 1e-5


def test_your_own_style():
    mine = Style(4, "mine", "12,0 4,56! 72,54 | 50,8 48,100")
    assert written(20, [mine]).labels.unique().tolist() == [4]
    assert len(mine.strokes()) == 2
    assert digit_image(drawing(mine)).shape == (1, 28, 28)


def test_scribbles_have_labels_by_lot():
    scribbles = scribbled(2000)
    assert len(scribbles) == 2000
    assert scribbles.labels.bincount(minlength=10).min() > 150
    assert (scribbles.images.amax((1, 2, 3)) == 255).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Style(10, "x", "0,0 1,1"), "a digit is 0 to 9, not 10"),
        (lambda: Style(1, "x", ""), "the path '' has a stroke without a point"),
        (lambda: Style(1, "x", "0,0 1,1 |"), "has a stroke without a point"),
        (lambda: Style(1, "x", "0,0 1"), "'1' is no point"),
        (lambda: Style(1, "x", "0;0"), "'0;0' is no point"),
        (lambda: Hand(slant=-1), "slant must be 0 or more, not -1"),
        (lambda: Hand(wobble=float("nan")), "wobble must be 0 or more, not nan"),
        (lambda: Hand(pen=0), "the pen must have a width"),
        (lambda: written(0), "write 1 image or more, not 0"),
        (lambda: written(5, []), "give at least one style"),
        (lambda: scribbled(0), "draw 1 image or more, not 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
