"""Batches of a size that a network can train on, and augmentation as others write it."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from cnncourse.augment import random_flip
from cnncourse.data import ImageSet, Loader, load, torchvision
from cnncourse.experiments import RECIPES
from cnncourse.models import DigitNet
from cnncourse.train import loss_batch

v2 = torchvision.v2


def numbered(number):
    return ImageSet(torch.arange(number).remainder(256).to(torch.uint8).view(-1, 1, 1, 1), [0] * number, mean=0, std=1)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 7, 8, 16, 64, 100])
def test_no_batch_is_so_small_that_batch_norm_breaks(batch_size):
    """Every subset size: each image once, and no batch of few images beside larger ones."""
    for number in range(1, 4 * batch_size + 2):
        loader = Loader(numbered(number), batch_size, shuffle=True)
        batches = [images for images, _ in loader]
        sizes = [len(images) for images in batches]
        assert len(sizes) == len(loader)
        assert sorted(torch.cat(batches).mul(255).round().int().flatten().tolist()) == sorted(
            n % 256 for n in range(number)
        )
        if number > batch_size > 1:
            assert min(sizes) > min(16, batch_size // 2)
            assert max(sizes) <= 1.5 * batch_size


def test_measuring_keeps_the_size_of_every_batch():
    assert [len(images) for images, _ in Loader(numbered(65), 64)] == [64, 1]


def test_the_recipes_of_the_course_train_as_before():
    """No recipe has a last batch so small that it would be joined to another: results stay comparable."""
    sizes = {"MNIST": 60_000, "FashionMNIST": 60_000, "CIFAR10": 50_000}
    for name, recipe in RECIPES.items():
        number = sizes[recipe.data] - round(recipe.valid_fraction * sizes[recipe.data])
        rest = number % recipe.batch_size
        assert rest == 0 or rest > 16, name


def test_a_trained_network_is_not_thrown_by_the_last_batch(monkeypatch):
    """A batch of two threw DigitNet from a loss of 0.02 to 0.48, with a gradient 200 times as long."""
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    images = load("MNIST", "train")
    torch.manual_seed(0)
    model = DigitNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(4):
        for batch, labels in Loader(images, 64, shuffle=True):
            loss_batch(model.train(), batch, labels, optimizer)

    def longest(loader):
        lengths = []
        for batch, labels in loader:
            model.zero_grad()
            nn.functional.cross_entropy(model.train()(batch), labels).backward()
            lengths.append(torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item())
        return max(lengths)

    usual = longest(Loader(images, 64, shuffle=True))
    for number in (65, 66, 67, 70, 129, 130, 140, 145, 193):
        assert longest(Loader(images.subset(slice(0, number)), 64, shuffle=True)) < 3 * usual


def test_drop_last_leaves_out_what_fills_no_batch():
    loader = Loader(numbered(50), 16, shuffle=True, drop_last=True)
    assert [len(images) for images, _ in loader] == [16, 16, 16]
    assert len(loader) == 3
    seen = {int(value) for _ in range(20) for images, _ in loader for value in images.mul(255).round().flatten()}
    assert seen == set(range(50))  # others are left out each time
    with pytest.raises(ValueError, match="with drop_last no batch is left: 50 images do not fill one of 64"):
        Loader(numbered(50), 64, drop_last=True)


@pytest.mark.parametrize("given", [[(0, 1)], TensorDataset(torch.zeros(2, 1, 2, 2)), torch.zeros(2, 1, 2, 2), None])
def test_a_loader_takes_an_image_set_alone(given):
    with pytest.raises(TypeError, match=r"a Loader takes an ImageSet, not a .* ImageSet\.from_dataset"):
        Loader(given, 2)


def test_there_are_images():
    with pytest.raises(ValueError, match="the ImageSet has no images"):
        Loader(numbered(5).subset([]), 2)


@pytest.fixture
def same():
    image = torch.arange(64, dtype=torch.uint8).mul(3).view(1, 1, 8, 8)
    return ImageSet(image.repeat(20, 1, 1, 1), [0] * 20, mean=0, std=1)


@pytest.mark.parametrize(
    "augment",
    [
        v2.RandomRotation(90),
        v2.Compose([v2.RandomHorizontalFlip(), v2.RandomCrop(8, padding=2)]),
        torchvision.transforms.RandomAffine(20),
    ],
    ids=["v2", "a chain", "older"],
)
def test_torchvisions_transforms_give_each_image_its_own_draw(augment, same):
    torch.manual_seed(0)
    [(images, _)] = Loader(same, 20, augment=augment)
    assert len({tuple(image.flatten().tolist()) for image in images}) > 5
    torch.manual_seed(0)
    [(again, _)] = Loader(same, 20, augment=augment)
    assert torch.equal(images, again)


def test_functions_of_a_batch_get_the_batch(same):
    given: list[Tensor] = []

    def keep(images):
        given.append(images)
        return random_flip(images)

    [_] = Loader(same, 20, augment=keep)
    assert [images.shape for images in given] == [(20, 1, 8, 8)]


BAD_AUGMENT = {
    "nothing": (lambda images: None, "must return a batch of floats 20×1×8×8, but it returned a NoneType"),
    "another size": (lambda images: images[..., :4], "but it returned float32 20×1×8×4"),
    "bytes": (lambda images: images.mul(255).byte(), "but it returned uint8 20×1×8×8"),
    "normalised": (v2.Normalize([0.1], [0.1]), r"in \[0, 1\], but they go from -1\.00 to .* Leave Normalize out"),
    "for pictures": (torchvision.transforms.ToTensor(), "leave ToTensor and other transforms of pictures out of it"),
    "a smaller crop": (v2.RandomCrop(6), "but it returned float32 20×1×6×6"),
}


@pytest.mark.parametrize("name", BAD_AUGMENT)
def test_augmentation_that_does_not_fit(name, same):
    augment, message = BAD_AUGMENT[name]
    with pytest.raises(ValueError, match=message):
        list(Loader(same, 20, augment=augment))


def test_augmentation_that_is_no_function(same):
    with pytest.raises(TypeError, match="augment is a function of a batch, not a list"):
        Loader(same, 20, augment=[random_flip])
