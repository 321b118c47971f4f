"""A scanned digit becomes one of MNIST's images, as a drawing does."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handwriting import HANDWRITING

from cnncourse.data._sources import sample_arrays
from cnncourse.handwriting import digit_image, digits

MNIST = [torch.from_numpy(image) for image in sample_arrays("MNIST", "test")[0][::5]]


def difference(first, second):
    """The mean difference of two images in grey levels."""
    return (first.int() - second.int()).abs().float().mean().item()


def test_an_image_of_mnist_stays_as_it_is():
    differences = [difference(digit_image(image), image) for image in MNIST]
    assert max(differences) < 2
    assert np.median(differences) < 0.1


def larger(image, factor):
    return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def test_the_size_of_the_picture_does_not_matter():
    """Where twice the size lets what is narrow stand in the very middle, that is half a pixel away."""
    differences = [difference(digit_image(larger(image, 2)), digit_image(image)) for image in MNIST]
    assert max(differences) < 15
    assert np.median(differences) == 0
    for image in MNIST[::10]:
        for factor in (4, 10):
            assert torch.equal(digit_image(larger(image, factor)), digit_image(larger(image, 2)))


def test_a_picture_that_is_half_as_large_again_changes_little():
    for image in MNIST[::10]:
        picture = F.interpolate(image[None], (42, 42), mode="bilinear")[0]
        assert difference(digit_image(picture), digit_image(image)) < 20  # two of one digit: 34


@pytest.mark.parametrize("strokes", [strokes for _, strokes in HANDWRITING[::6]])
def test_a_picture_of_a_drawing_gives_the_drawings_image(strokes):
    inked = digits.ink(digits.scaled(strokes))  # 160×160
    scan = np.pad(255 * inked.astype(np.uint8), ((7, 50), (30, 0)))
    assert difference(digit_image(scan), digit_image(strokes)) < 2


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (1, 9), (9, 1), (1, 1), (20, 20), (3, 4), (200, 70)])
def test_a_rectangle_keeps_its_proportions(shape):
    picture = np.zeros((250, 260), np.uint8)
    picture[30 : 30 + shape[0], 17 : 17 + shape[1]] = 99
    image = digit_image(picture)
    assert image.dtype == torch.uint8
    assert image.shape == (1, 28, 28)
    assert image.max() == 255
    mass = image.sum().item() / 255
    assert mass == pytest.approx(400 * min(shape) / max(shape), rel=0.3, abs=1)  # a thin one is blurred
    assert max(image[0].any(0).sum(), image[0].any(1).sum()) == 20
    assert torch.equal(digit_image(picture.T), image.mT)


def test_tensors_and_arrays_grey_levels_and_place_do_not_matter():
    image = MNIST[0]
    moved = F.pad(image, (0, 9, 31, 2))
    for picture in (
        image,
        image[0],
        image.numpy(),
        image[0].numpy(),
        image.numpy()[:, ::-1, ::-1][:, ::-1, ::-1],
        moved,
    ):
        assert torch.equal(digit_image(picture), digit_image(image))
    assert difference(digit_image(image // 2), digit_image(image)) < 1  # the brightest pixel is 255 again


def test_a_picture_stays_as_it_was():
    picture = MNIST[0].clone()
    digit_image(picture)
    assert torch.equal(picture, MNIST[0])


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((28, 28), np.uint8), "The picture is empty"),
        (torch.zeros(1, 8, 8, dtype=torch.uint8), "The picture is empty"),
        (np.zeros((0, 28), np.uint8), "The picture is empty"),
        (torch.rand(28, 28), "uint8; this one has float32"),
        (np.full((8, 8), np.nan), "uint8; this one has float64"),
        (np.ones((8, 8), int), "uint8; this one has int64"),
        (np.ones((8, 8), bool), "uint8; this one has bool"),
        (np.ones((28, 28, 1), np.uint8), "grey, H×W or 1×H×W, not 28×28×1"),
        (np.ones((3, 28, 28), np.uint8), "grey, H×W or 1×H×W, not 3×28×28"),
        (torch.ones(1, 1, 28, 28, dtype=torch.uint8), "not 1×1×28×28"),
        (torch.ones(28, dtype=torch.uint8), "grey, H×W or 1×H×W, not 28"),
        (np.array(3, np.uint8), "not a single number"),
    ],
)
def test_what_is_no_picture_of_a_digit_is_refused(picture, message):
    with pytest.raises(ValueError, match=message):
        digit_image(picture)
