"""Drawings become digits as MNIST's did, and the pad's JavaScript gives the same pixels as Python."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handwriting import HANDWRITING

from cnncourse.data._sources import sample_arrays
from cnncourse.pad import JS, digits
from cnncourse.pad.digits import PAD_SIZE, digit_image

DRAWINGS = [strokes for _, strokes in HANDWRITING]
DOT = [{"radius": 12, "points": [[100, 50]]}]
# A heavy disc at one end of a long thin line: the centre of mass lies far from the middle.
LOPSIDED = [{"radius": 30, "points": [[40, 240]]}, {"radius": 1, "points": [[40, 240], [270, 10]]}]

BAD_DRAWINGS = {
    "no list": ("a drawing", "A drawing is a list"),
    "no strokes": ({"radius": 8, "points": [[1, 2]]}, "A drawing is a list"),
    "a number": ([8], "Stroke 1 needs"),
    "nothing": ([*DOT, None], "Stroke 2 needs"),
    "no points": ([{"radius": 8}], "Stroke 1 needs"),
    "an empty stroke": ([{"radius": 8, "points": []}], "Stroke 1 needs"),
    "no radius": ([{"points": [[1, 2]]}], "The radius of stroke 1"),
    "radius 0": ([{"radius": 0, "points": [[1, 2]]}], "The radius of stroke 1"),
    "radius below 0": ([{"radius": -3, "points": [[1, 2]]}], "The radius of stroke 1"),
    "a text as radius": ([{"radius": "8", "points": [[1, 2]]}], "The radius of stroke 1"),
    "a truth as radius": ([{"radius": True, "points": [[1, 2]]}], "The radius of stroke 1"),
    "radius not a number": ([{"radius": float("nan"), "points": [[1, 2]]}], "The radius of stroke 1"),
    "a point not a number": ([{"radius": 8, "points": [[1, 2], [float("nan"), 2]]}], "Every point of stroke 1"),
    "a point without end": ([{"radius": 8, "points": [[float("inf"), 2]]}], "Every point of stroke 1"),
    "a point of one": ([{"radius": 8, "points": [[1]]}], "Every point of stroke 1"),
    "a point of three": ([{"radius": 8, "points": [[1, 2, 3]]}], "Every point of stroke 1"),
    "a point of text": ([{"radius": 8, "points": ["12"]}], "Every point of stroke 1"),
    "a point far away": ([{"radius": 8, "points": [[1, 2], [1e9, 2]]}], "A point of stroke 1 is more"),
}
bad_drawings = pytest.mark.parametrize(("strokes", "message"), BAD_DRAWINGS.values(), ids=BAD_DRAWINGS)


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


def message_of(digit_page, expression, argument=None):
    """The message of the error that a JavaScript expression of `it` throws, or None."""
    code = f"it => {{ try {{ {expression} }} catch (error) {{ return error.message }} return null }}"
    return digit_page.evaluate(code, argument)


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


@bad_drawings
def test_what_is_not_a_drawing_is_refused(strokes, message):
    with pytest.raises(ValueError, match=message):
        digit_image(strokes)


def test_the_browser_gives_the_same_pixels(digit_page):
    samples = [sample["strokes"] for sample in digit_page.evaluate("cnncourse.SAMPLES")]
    drawings = [*samples, *DRAWINGS, *map(random_drawing, range(200)), DOT, LOPSIDED]
    images = digit_page.evaluate("drawings => drawings.map(strokes => [...cnncourse.digitImage(strokes)])", drawings)
    for strokes, image in zip(drawings, images, strict=True):
        assert image == digit_image(strokes).flatten().tolist()


def test_the_browser_gives_nothing_for_an_empty_drawing(digit_page):
    assert digit_page.evaluate("cnncourse.digitImage([])") is None


@bad_drawings
def test_the_browser_refuses_in_the_same_words(digit_page, strokes, message):
    with pytest.raises(ValueError, match=message) as refused:
        digit_image(strokes)
    assert message_of(digit_page, "cnncourse.digitImage(it)", strokes) == str(refused.value)


def test_there_are_samples_of_every_digit(digit_page):
    samples = digit_page.evaluate("cnncourse.SAMPLES")
    assert sorted({sample["digit"] for sample in samples}) == list(range(10))
    for sample in samples:
        points = [point for stroke in sample["strokes"] for point in stroke["points"]]
        assert all(0 <= coordinate <= PAD_SIZE for point in points for coordinate in point)
    assert digit_page.evaluate("cnncourse.PAD_SIZE") == PAD_SIZE


def test_the_samples_are_quick_to_load():
    assert (JS / "samples.js").stat().st_size < 15_000


@pytest.mark.parametrize(("side", "number"), [(32, 500), (14, 50), (20, 50), (28, 50), (29, 50), (56, 50), (1, 5)])
def test_the_browser_resizes_as_torch_does(digit_page, side, number):
    images = torch.from_numpy(sample_arrays("MNIST", "test")[0][:number])
    text = images.numpy().tobytes().decode("latin1")  # a character for each pixel, which travels faster than a list
    code = """([text, side]) => {
        const images = Uint8Array.from(text, character => character.charCodeAt(0));
        let resized = "";
        for (let start = 0; start < images.length; start += 784)
            resized += String.fromCharCode(...cnncourse.resize(images.slice(start, start + 784), 28, side));
        return resized;
    }"""
    resized = np.frombuffer(digit_page.evaluate(code, [text, side]).encode("latin1"), dtype=np.uint8)
    expected = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
    assert (resized == expected.flatten().numpy()).all()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (-2, 5), (0, -28), (40, 1)])
def test_a_shifted_image_has_zeros_where_it_was(digit_page, dx, dy):
    image = digit_image(DRAWINGS[3])
    code = "([image, dx, dy]) => [...cnncourse.shifted(Uint8Array.from(image), dx, dy)]"
    shifted = digit_page.evaluate(code, [image.flatten().tolist(), dx, dy])
    field = F.pad(image, [40] * 4)[0, 40 - dy : 68 - dy, 40 - dx : 68 - dx]
    assert shifted == field.flatten().tolist()


def test_another_brush_leaves_the_drawing_as_it_was(digit_page):
    code = "strokes => [cnncourse.thinned(strokes, 0.5), strokes]"
    thinned, strokes = digit_page.evaluate(code, DRAWINGS[7])
    assert strokes == DRAWINGS[7]
    assert thinned == [{**stroke, "radius": stroke["radius"] / 2} for stroke in strokes]


@pytest.mark.parametrize(("radius", "factor", "allowed"), [(0.02, 0.3, 0.01), (9000, 4, 10_000)])
def test_another_brush_is_one_that_a_drawing_may_have(digit_page, radius, factor, allowed):
    code = "([strokes, factor]) => cnncourse.thinned(strokes, factor)"
    [stroke] = digit_page.evaluate(code, [[{"radius": radius, "points": [[140, 140]]}], factor])
    assert stroke["radius"] == allowed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("resize(new Uint8Array(784), 32, 28)", "An image of 32×32 has 1024 pixels, not 784."),
        ("resize(new Uint8Array(784), 28, 0)", "must be a whole number of pixels, not 28 or 0"),
        ("resize(new Uint8Array(784), 28, 14.5)", "must be a whole number of pixels, not 28 or 14.5"),
        ("shifted(new Uint8Array(1024), 1, 0)", "An image of 28×28 has 784 pixels, not 1024."),
        ("shifted(new Uint8Array(784), 0.5, 0)", "shifted by whole pixels, not by 0.5 and 0"),
    ],
)
def test_the_browser_refuses_an_image_of_another_size(digit_page, call, message):
    assert message in message_of(digit_page, f"cnncourse.{call}")
