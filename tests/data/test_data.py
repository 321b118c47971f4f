import inspect
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cnncourse import settings
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Loader, _sources, load, torchvision

NAMES = list(_sources.SETS)
transforms = torchvision.transforms


@pytest.fixture(scope="module")
def sample():
    """The bundled sample's training images of a set, as `load` gives them."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CNNCOURSE_QUICK", "1")
    yield {name: load(name, "train") for name in NAMES}
    patch.undo()


@pytest.fixture
def tiny():
    """23 images in two classes, the first pixel of image i being i."""
    images = torch.randint(256, (23, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, 0, 0, 0] = torch.arange(23)
    return ImageSet(images, torch.arange(23) % 2, ("even", "odd"), (0.5,), (0.25,), "Tiny")


def first_pixels(images: ImageSet) -> list[int]:
    return images.images[:, 0, 0, 0].tolist()


class TorchvisionWay(Dataset):
    """An image at a time, as PIL images through torchvision's transforms, like `torchvision.datasets`."""

    def __init__(self, images: ImageSet, *steps):
        self.images, self.labels = images.images, images.labels
        self.to_pil = transforms.ToPILImage()
        self.transform = transforms.Compose(
            [*steps, transforms.ToTensor(), transforms.Normalize(images.mean, images.std)]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.to_pil(self.images[index])), int(self.labels[index])


def assert_same_batches(loader, reference):
    batches = list(zip(list(loader), list(reference), strict=True))
    assert len(batches) == len(loader) == len(reference)
    for (images, labels), (images_there, labels_there) in batches:
        assert images.dtype == torch.float32
        assert torch.equal(images, images_there)
        assert torch.equal(labels, labels_there)


@pytest.mark.parametrize("name", NAMES)
def test_loader_gives_the_tensors_of_torchvision_and_dataloader(sample, name):
    images = sample[name].subset(slice(0, 300))
    assert_same_batches(Loader(images, 64), DataLoader(TorchvisionWay(images), 64))


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_loader_gives_the_resized_tensors_of_torchvision_and_dataloader(sample, name):
    images = sample[name].subset(slice(0, 300))
    reference = DataLoader(TorchvisionWay(images, transforms.Resize((32, 32))), 64)
    assert_same_batches(Loader(images.resize(32), 64), reference)


def test_shuffled_loader_gives_the_tensors_of_a_dataloader_in_the_same_order(sample):
    images = sample["MNIST"].subset(slice(0, 300))
    torch.manual_seed(1)
    order = torch.randperm(300)
    reference = DataLoader(TorchvisionWay(images), 64, sampler=order.tolist())
    torch.manual_seed(1)
    assert_same_batches(Loader(images, 64, shuffle=True), reference)


@pytest.mark.parametrize(("name", "size"), [("MNIST", 32), ("FashionMNIST", 32), ("CIFAR10", 24), ("MNIST", 14)])
def test_resize_equals_torchvision_on_every_image(sample, name, size):
    images, resize, to_pil = sample[name], transforms.Resize((size, size)), transforms.ToPILImage()
    resized = images.resize(size)
    pictures = np.stack([np.atleast_3d(np.asarray(resize(to_pil(image)))) for image in images.images])
    assert torch.equal(resized.images, torch.from_numpy(pictures).movedim(-1, 1))
    assert torch.equal(resized.labels, images.labels)


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_pass_gives_each_image_once_and_a_smaller_last_batch(tiny, shuffle):
    loader = Loader(tiny, 5, shuffle=shuffle)
    assert len(loader) == 5
    for _ in range(2):
        batches = list(loader)
        assert [len(labels) for _, labels in batches] == [5, 5, 5, 5, 3]
        pixels = torch.cat([images[:, 0, 0, 0] for images, _ in batches]) * 0.25 + 0.5
        numbers = pixels.mul(255).round().long()
        assert numbers.sort().values.tolist() == list(range(23))
        assert torch.equal(torch.cat([labels for _, labels in batches]), numbers % 2)


def test_shuffle_differs_from_pass_to_pass_and_repeats_with_the_seed(tiny):
    loader = Loader(tiny, 23, shuffle=True)

    def two_passes():
        torch.manual_seed(3)
        return [images for _ in range(2) for images, _ in loader]

    first, second = two_passes()
    assert not torch.equal(first, second)
    again = two_passes()
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])


def test_loader_leaves_the_images_alone_and_augments_before_it_normalises(tiny):
    before, seen = tiny.images.clone(), []

    def darken(images):
        seen.append(images.clone())
        return images.mul_(0)

    [(images, _)] = Loader(tiny, 23, augment=darken)
    assert torch.equal(seen[0], before / 255)
    assert torch.equal(images, torch.full_like(images, -0.5 / 0.25))
    assert torch.equal(tiny.images, before)


def test_what_an_augmentation_returns_stays_as_it_is(tiny):
    mine = torch.full((23, 1, 6, 6), 0.75)
    for kept in (mine, mine[:1].expand(23, 1, 6, 6)):
        loader = Loader(tiny, 23, augment=lambda images, kept=kept: kept)
        for _ in range(2):
            [(images, _)] = loader
            assert torch.equal(images, torch.ones(23, 1, 6, 6))
    assert torch.equal(mine, torch.full_like(mine, 0.75))


def test_one_batch_of_exactly_all_images(tiny):
    assert len(Loader(tiny, 23)) == len(list(Loader(tiny, 23))) == 1
    assert len(Loader(tiny, 1000)) == len(list(Loader(tiny, 1000))) == 1


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_size_below_one(tiny, batch_size):
    with pytest.raises(ValueError, match=rf"^the batch size must be at least 1, not {batch_size}$"):
        Loader(tiny, batch_size)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.2, 20, float("nan")])
def test_split_refuses_a_fraction_that_is_not_between_0_and_1(tiny, fraction):
    with pytest.raises(ValueError, match=rf"between 0 and 1, for example 0.2; it is {fraction}$"):
        tiny.split(fraction, seed=0)


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_split_refuses_an_empty_part(tiny, fraction):
    with pytest.raises(ValueError, match=rf"a fraction of {fraction} of 23 images leaves one of the two parts empty"):
        tiny.split(fraction, seed=0)


def test_split_gives_disjoint_and_complete_parts(tiny):
    rest, part = tiny.split(0.2, seed=0)
    assert (len(rest), len(part)) == (18, 5)
    assert sorted(first_pixels(rest) + first_pixels(part)) == list(range(23))
    for each in (rest, part):
        assert each.labels.tolist() == [number % 2 for number in first_pixels(each)]
    assert (rest.split_name, part.split_name) == ("train", "valid")


def test_split_repeats_with_its_seed_whatever_torchs_generator_does(tiny):
    parts = []
    for global_seed, seed in ((0, 7), (1, 7), (1, 8)):
        torch.manual_seed(global_seed)
        state = torch.get_rng_state()
        parts.append([first_pixels(part) for part in tiny.split(0.5, seed)])
        assert torch.equal(torch.get_rng_state(), state)
    assert parts[0] == parts[1] != parts[2]


def test_the_parts_of_a_test_split_are_still_the_test_split(tiny):
    assert [part.split_name for part in replace(tiny, split_name="test").split(0.5, seed=0)] == ["test", "test"]


@pytest.mark.parametrize("name", NAMES)
def test_classes_and_printed_form(sample, name):
    images = sample[name]
    assert len(images.classes) == 10
    assert images.classes == CLASSES[name]
    assert (
        repr(images)
        == f"ImageSet({name} train: 2,000 images of {'3×32×32' if name == 'CIFAR10' else '1×28×28'}, 10 classes)"
    )


def test_classes_are_torchvisions():
    assert list(CLASSES["FashionMNIST"]) == torchvision.datasets.FashionMNIST.classes
    assert list(CLASSES["MNIST"]) == [text.split(" - ")[0] for text in torchvision.datasets.MNIST.classes]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_statistics_are_those_of_all_training_images(name):
    if not _sources.cache_file(name, "train").exists():
        pytest.skip(f"the full {name} is not in {settings.data_dir()}; `make data` fetches it")
    images, _ = _sources.arrays(name, "train")
    values = np.arange(256) / 255
    for channel, (mean, std) in enumerate(zip(*STATISTICS[name], strict=True)):
        share = np.bincount(images[:, channel].ravel(), minlength=256) / images[:, channel].size
        true_mean = (share * values).sum()
        assert mean == pytest.approx(true_mean, abs=1e-4)
        assert std == pytest.approx(np.sqrt((share * (values - true_mean) ** 2).sum()), abs=1e-4)


def test_load_gives_the_sample_in_quick_mode_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    images = load("MNIST", "test")
    assert (len(images), images.name, images.split_name) == (500, "MNIST", "test")
    assert capsys.readouterr().out == "Quick mode: 500 test images of MNIST, the bundled sample.\n"


def test_load_takes_the_sample_only_where_the_caller_allows_it_and_says_so(monkeypatch, capsys):
    def nothing_answers(name, split):
        raise _sources.SourceError("no source gave it")

    monkeypatch.delenv("CNNCOURSE_QUICK", raising=False)
    monkeypatch.setattr(_sources, "arrays", nothing_answers)
    with pytest.raises(_sources.SourceError, match="no source gave it"):
        load("MNIST", "train")
    images = load("MNIST", "train", allow_sample=True)
    assert len(images) == 2000
    assert capsys.readouterr().out == (
        "no source gave it\nGoing on with the bundled sample: 2,000 train images of MNIST.\n"
    )


def test_load_gives_the_full_set_where_it_can(monkeypatch, capsys):
    images = np.zeros((30, 1, 28, 28), np.uint8)
    monkeypatch.delenv("CNNCOURSE_QUICK", raising=False)
    monkeypatch.setattr(_sources, "arrays", lambda name, split: (images, np.arange(30) % 10))
    assert len(load("MNIST", "train", allow_sample=True)) == 30
    assert capsys.readouterr().out == ""


def test_the_error_where_no_source_answers_names_an_option_of_load(monkeypatch, tmp_path):
    monkeypatch.delenv("CNNCOURSE_QUICK", raising=False)
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path))
    monkeypatch.setitem(_sources.SOURCES, "MNIST", {})
    with pytest.raises(_sources.SourceError) as caught:
        load("MNIST", "train")
    [option] = re.findall(r"load\('MNIST', …, (\w+)=True\)", str(caught.value))
    assert option in inspect.signature(load).parameters


@pytest.mark.parametrize(
    ("arguments", "known"), [(("Mnist", "train"), "MNIST, FashionMNIST, CIFAR10"), (("MNIST", "valid"), "train, test")]
)
@pytest.mark.parametrize("quick", ["0", "1"])
def test_unknown_set_or_split_names_the_known_ones(monkeypatch, quick, arguments, known):
    monkeypatch.setenv("CNNCOURSE_QUICK", quick)
    with pytest.raises(ValueError, match=known):
        load(*arguments)
