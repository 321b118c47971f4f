import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from cnncourse import augment
from cnncourse.augment import (
    affine,
    random_affine,
    random_crop,
    random_flip,
    random_noise,
    random_shift,
    random_turn,
    thicken,
)
from cnncourse.data import torchvision

functional = torchvision.transforms.functional
BILINEAR = torchvision.transforms.InterpolationMode.BILINEAR
SHAPES = [(40, 1, 28, 28), (40, 3, 20, 33), (40, 2, 31, 16)]
CHANGES = [
    random_flip,
    lambda images: random_crop(images, 3),
    lambda images: random_noise(images, 0.2),
    lambda images: random_noise(images, (0, 0.4)),
    lambda images: random_shift(images, 2),
    lambda images: random_turn(images, 20),
    lambda images: random_affine(images, degrees=20, translate=0.1, scale=(0.8, 1.2), shear=10),
]


def uniform(number: int, low: float, high: float) -> torch.Tensor:
    return low + (high - low) * torch.rand(number)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(params=SHAPES, ids=str)
def images(request):
    return torch.rand(request.param)


@pytest.mark.parametrize(
    "parts", [("angle",), ("translate",), ("scale",), ("shear",), ("angle", "translate", "scale", "shear")]
)
def test_affine_equals_torchvision_image_by_image(images, parts):
    number = len(images)
    draws = {
        "angle": uniform(number, -180, 180),
        "translate": torch.randint(-9, 10, (number, 2)).float(),  # torchvision takes whole pixels
        "scale": uniform(number, 0.5, 2),
        "shear": uniform(number, -45, 45),
    }
    still = {
        "angle": torch.zeros(number),
        "translate": torch.zeros(number, 2),
        "scale": torch.ones(number),
        "shear": torch.zeros(number),
    }
    draws = {name: draws[name] if name in parts else still[name] for name in draws}
    expected = [
        functional.affine(
            image, angle.item(), translate.int().tolist(), scale.item(), [shear.item(), 0.0], interpolation=BILINEAR
        )
        for image, angle, translate, scale, shear in zip(images, *draws.values(), strict=True)
    ]
    torch.testing.assert_close(affine(images, **draws), torch.stack(expected), rtol=0, atol=1e-4)


def test_affine_without_a_change_is_the_image(images):
    number = len(images)
    zeros = torch.zeros(number)
    still = affine(images, angle=zeros, translate=torch.zeros(number, 2), scale=torch.ones(number), shear=zeros)
    torch.testing.assert_close(still, images, rtol=0, atol=1e-5)


def test_affine_moves_by_fractions_of_a_pixel():
    images = torch.rand(1, 1, 5, 5)
    zeros = torch.zeros(1)
    moved = affine(images, angle=zeros, translate=torch.tensor([[0.25, 0]]), scale=torch.ones(1), shear=zeros)
    left = F.pad(images, [1, 0, 0, 0])[..., :-1]
    torch.testing.assert_close(moved, 0.75 * images + 0.25 * left)


def drawn(monkeypatch, images, **ranges):
    """What `random_affine` hands to `affine`."""
    handed = []
    monkeypatch.setattr(augment, "affine", lambda images, **draws: handed.append(draws))
    torch.manual_seed(0)
    random_affine(images, **ranges)
    return handed[0]


@pytest.mark.parametrize(
    "ranges",
    [
        {"degrees": 15, "translate": 0.1, "scale": (0.9, 1.1), "shear": 10},
        {"degrees": 180, "translate": 0.4, "scale": (0.3, 3), "shear": 50},
        {"degrees": 30},
        {"translate": 0.25},
        {"scale": (0.5, 0.8)},
        {"shear": 25},
    ],
    ids=str,
)
def test_random_affine_equals_torchvision_image_by_image(monkeypatch, images, ranges):
    draws = drawn(monkeypatch, images, **ranges)
    monkeypatch.undo()
    torch.manual_seed(0)
    changed = random_affine(images, **ranges)
    parameters = zip(images, *(draws[name].tolist() for name in ("angle", "translate", "scale", "shear")), strict=True)
    expected = [
        functional.affine(image, angle, translate, scale, [shear, 0.0], interpolation=BILINEAR)
        for image, angle, translate, scale, shear in parameters
    ]
    torch.testing.assert_close(changed, torch.stack(expected), rtol=0, atol=1e-4)


def assert_fills(draws: torch.Tensor, low: float, high: float):
    """The draws lie in the range and are spread evenly over it: each tenth of it gets about a tenth of them."""
    assert low <= draws.min() <= draws.max() <= high
    share = torch.histc(draws, bins=10, min=low, max=high) / draws.numel()
    assert share.min() > 0.08
    assert share.max() < 0.12


def test_random_affine_draws_evenly_from_its_ranges_for_each_image(monkeypatch):
    images = torch.zeros(10_000, 1, 10, 30)
    draws = drawn(monkeypatch, images, degrees=15, translate=0.1, scale=(0.8, 1.3), shear=7)
    assert_fills(draws["angle"], -15, 15)
    assert_fills(draws["translate"][:, 0], -3, 3)  # a tenth of the width
    assert_fills(draws["translate"][:, 1], -1, 1)  # a tenth of the height
    assert_fills(draws["scale"], 0.8, 1.3)
    assert_fills(draws["shear"], -7, 7)
    together = torch.stack([draws["angle"], *draws["translate"].T, draws["scale"], draws["shear"]])
    assert (torch.corrcoef(together) - torch.eye(5)).abs().max() < 0.05


def test_random_affine_changes_only_what_it_is_asked_to(monkeypatch):
    draws = drawn(monkeypatch, torch.zeros(5, 1, 10, 30), translate=0.1)
    assert (draws["angle"].count_nonzero(), draws["shear"].count_nonzero()) == (0, 0)
    assert torch.equal(draws["scale"], torch.ones(5))
    assert draws["translate"].count_nonzero() == 10


@pytest.mark.parametrize("padding", [0, 1, 4])
def test_random_crop_equals_pad_and_crop_at_the_drawn_places(images, padding):
    number, _, height, width = images.shape
    torch.manual_seed(5)
    cropped = random_crop(images, padding)
    torch.manual_seed(5)
    top, left = (torch.randint(2 * padding + 1, (number, 1)).flatten().tolist() for _ in range(2))
    padded = F.pad(images, [padding] * 4)
    expected = [functional.crop(image, y, x, height, width) for image, y, x in zip(padded, top, left, strict=True)]
    assert torch.equal(cropped, torch.stack(expected))


def test_random_crop_reaches_every_place_equally_often():
    images = torch.zeros(9_000, 1, 7, 7)
    images[:, :, 3, 3] = 1  # the middle pixel shows where each image went
    places = random_crop(images, 1).sum(dim=(0, 1))
    assert places.sum() == 9_000
    assert places[2:5, 2:5].sum() == 9_000
    assert 850 < places[2:5, 2:5].min() <= places[2:5, 2:5].max() < 1150


def test_random_flip_mirrors_each_image_or_leaves_it(images):
    flipped = random_flip(images)
    mirrored = [torch.equal(image, functional.hflip(before)) for image, before in zip(flipped, images, strict=True)]
    same = [torch.equal(image, before) for image, before in zip(flipped, images, strict=True)]
    assert [a != b for a, b in zip(mirrored, same, strict=True)] == [True] * len(images)
    assert 0 < sum(mirrored) < len(images)


@pytest.mark.parametrize("probability", [0, 0.3, 1])
def test_random_flip_keeps_to_its_probability(probability):
    images = torch.tensor([0.0, 1.0]).expand(10_000, 1, 1, 2)
    share = random_flip(images, probability)[:, 0, 0, 0].mean().item()
    assert share == pytest.approx(probability, abs=0.02 if probability == 0.3 else 0)


def test_random_noise_has_its_strength_and_stays_between_0_and_1():
    grey = torch.full((1_000, 1, 10, 10), 0.5)
    noise = random_noise(grey, 0.1) - grey
    assert noise.mean().item() == pytest.approx(0, abs=0.001)
    assert noise.std().item() == pytest.approx(0.1, abs=0.001)
    assert torch.corrcoef(noise.flatten(1)[:5]).fill_diagonal_(0).abs().max() < 0.5  # each image has its own
    strong = random_noise(grey, 2)
    assert (strong.min(), strong.max()) == (0, 1)
    assert torch.equal(random_noise(grey, 0), grey)


def test_random_noise_draws_a_strength_between_the_two_for_each_image():
    noise = random_noise(torch.full((3000, 1, 20, 20), 0.5), (0.02, 0.1)) - 0.5
    strengths = noise.std(dim=(1, 2, 3))
    assert strengths.min() < 0.025
    assert strengths.max() > 0.095
    assert strengths.mean() == pytest.approx(0.06, abs=0.002)


def test_random_shift_moves_each_image_one_of_four_ways(images):
    _, _, height, width = images.shape
    padded = F.pad(images, [3] * 4)
    ways = [padded[:, :, y : y + height, x : x + width] for y, x in ((3, 0), (3, 6), (0, 3), (6, 3))]
    moved = random_shift(images, 3)
    taken = torch.stack([(moved - way).abs().amax(dim=(1, 2, 3)) < 1e-4 for way in ways])  # 4×N
    assert (taken.sum(dim=0) == 1).all()
    assert (taken.sum(dim=1) > 0).all()


@pytest.mark.parametrize("degrees", [90, -90])
def test_random_turn_turns_each_image_one_of_two_ways(images, degrees):
    square = images[..., :8, :8]
    ways = torch.stack([square.rot90(1, (2, 3)), square.rot90(-1, (2, 3))])
    taken = (random_turn(square, degrees) - ways).abs().amax(dim=(2, 3, 4)) < 1e-4  # 2×N
    assert (taken.sum(dim=0) == 1).all()
    assert (taken.sum(dim=1) > 0).all()


@pytest.mark.parametrize("pixels", [-2, -1, 0, 1, 2])
def test_thicken_is_scipys_grey_dilation_and_erosion(images, pixels):
    of_scipy = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    side = 2 * abs(pixels) + 1
    expected = of_scipy(images.numpy(), size=(1, 1, side, side), mode="nearest")
    assert torch.equal(thicken(images, pixels), torch.from_numpy(expected))


@pytest.mark.parametrize("change", CHANGES)
def test_the_seed_repeats_the_bits_and_the_given_batch_stays(images, change):
    before = images.clone()
    torch.manual_seed(1)
    first, second = change(images), change(images)
    torch.manual_seed(1)
    assert torch.equal(change(images), first)
    assert not torch.equal(first, second)
    assert torch.equal(images, before)
    assert (first.shape, first.dtype) == (images.shape, images.dtype)


@pytest.mark.parametrize("change", CHANGES)
def test_each_image_gets_its_own_draw(change):
    image = torch.rand(1, 1, 8, 8)
    assert len(change(image.expand(50, 1, 8, 8)).flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda images: random_flip(images, 1.5), "the probability of a flip must be between 0 and 1, not 1.5"),
        (lambda images: random_crop(images, -1), "the padding of a random crop must be 0 pixels or more, not -1"),
        (lambda images: random_noise(images, -0.1), "the strength of the noise must be 0 or more, .*, not -0.1"),
        (lambda images: random_noise(images, (0.5, 0.1)), r"two such numbers in order, not \(0.5, 0.1\)"),
        (lambda images: random_shift(images, -1), "the shift must be 0 pixels or more, not -1"),
        (lambda images: random_affine(images, scale=(0, 1)), r"a smallest and a largest factor above 0, not \(0, 1\)"),
        (lambda images: random_affine(images, scale=(2, 1)), r"a smallest and a largest factor above 0, not \(2, 1\)"),
    ],
)
def test_settings_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.rand(2, 1, 8, 8))
