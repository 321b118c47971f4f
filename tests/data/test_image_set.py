"""Images from arrays of any usual layout and type, their items, and their parts."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset

from cnncourse.data import STATISTICS, ImageSet, Loader, load, torchvision
from cnncourse.models import LeNet5
from cnncourse.train import evaluate, fit

GREY = torch.randint(256, (6, 1, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
COLOUR = torch.randint(256, (6, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 0, 1, 1])

IMAGES = {
    "a tensor": (GREY, GREY),
    "an array": (GREY.numpy(), GREY),
    "an array in colour": (COLOUR.numpy(), COLOUR),
    "channels last": (COLOUR.permute(0, 2, 3, 1).numpy(), COLOUR),
    "a tensor with channels last": (COLOUR.permute(0, 2, 3, 1), COLOUR),
    "grey without a channel": (GREY[:, 0].numpy(), GREY),
    "a list of arrays": (list(GREY.numpy()), GREY),
    "a list of tensors": (list(COLOUR), COLOUR),
    "nested lists": (GREY.tolist(), GREY),
    "int64": (GREY.long(), GREY),
    "uint16": (GREY.numpy().astype(np.uint16), GREY),
    "big-endian": (GREY.numpy().astype(">i2"), GREY),
    "float32": (GREY / 255, GREY),
    "float64": (GREY.numpy() / 255, GREY),
    "float16": ((COLOUR / 255).half(), COLOUR),
    "bool": (GREY > 99, (GREY > 99).byte() * 255),
    "not in one piece": (COLOUR.numpy()[:, :, ::-1], COLOUR.flip(2)),
    "a tensor of uint16": (GREY.to(torch.uint16), GREY),
    "for reading only": (np.broadcast_to(GREY.numpy()[:1], (6, 1, 5, 4)), GREY[:1].expand(6, -1, -1, -1)),
    "in another order of memory": (COLOUR.to(memory_format=torch.channels_last), COLOUR),
    "with a gradient": ((GREY / 255).requires_grad_(), GREY),
    "other channels": (COLOUR.repeat(1, 2, 2, 2)[:, :4], COLOUR.repeat(1, 2, 2, 2)[:, :4]),
    "two sides of three pixels": (COLOUR[:, :, :3, :3], COLOUR[:, :, :3, :3]),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_the_usual_layouts_and_types(name):
    given, expected = IMAGES[name]
    images = ImageSet(given, LABELS)
    assert images.images.dtype == torch.uint8
    assert torch.equal(images.images, expected)
    assert images.images.is_contiguous()  # in another order, convolutions would be rounded in another way


BAD_IMAGES = {
    "normalised": ((GREY - 33.0) / 78, r"floats must be in \[0, 1\], but .* Are they normalised"),
    "floats to 255": (GREY.float(), r"floats must be in \[0, 1\], but these are float32 from .* Divide them"),
    "not a number": (torch.full((6, 1, 2, 2), torch.nan), "infinite or not a number"),
    "infinite": (torch.full((6, 1, 2, 2), torch.inf), "infinite or not a number"),
    "below 0": (GREY.long() - 300, "from 0 to 255, but these are int64 from -"),
    "beyond 255": (GREY.long() * 2, "whole numbers must be from 0 to 255"),
    "0 and 1": (GREY.long() // 200, "Give them as bool, or as floats"),
    "one image": (GREY[0, 0], r"not 5×4; a single image needs a first axis"),
    "five axes": (GREY[None], "of shape N×C×H×W, N×H×W×C or N×H×W"),
    "a number": (7, "not one number"),
    "either axis": (np.zeros((6, 3, 3, 3), np.uint8), "either axis 1 or axis 3 can be the channels"),
    "transparency": (np.zeros((6, 8, 8, 4), np.uint8), r"Is the fourth channel transparency\?"),
    "transparency in a tensor": (torch.zeros(6, 8, 8, 4, dtype=torch.uint8), r"Is the fourth channel transparency\?"),
    "two channels, last": (torch.zeros(6, 8, 8, 2, dtype=torch.uint8), "Images of other channels are a tensor N×C×H×W"),
    "two channels": (np.zeros((6, 8, 8, 2), np.uint8), "1 or 3 channels"),
    "complex": (torch.zeros(6, 1, 2, 2, dtype=torch.complex64), "not complex64"),
    "different sizes": ([np.zeros((2, 2)), np.zeros((3, 3))], "all of one size"),
    "texts": (["a", "b"], "one tensor or array"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_images_that_are_none(name):
    given, message = BAD_IMAGES[name]
    with pytest.raises(ValueError, match=message):
        ImageSet(given, LABELS)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.tolist(),
        tuple(LABELS.tolist()),
        LABELS.numpy(),
        LABELS.numpy().astype(np.uint8),
        LABELS.int(),
        LABELS[:, None],
    ],
    ids=["list", "tuple", "array", "uint8", "int32", "N×1"],
)
def test_labels_of_the_usual_types(labels):
    images = ImageSet(GREY, labels)
    assert images.labels.dtype == torch.int64
    assert torch.equal(images.labels, LABELS)
    assert images.classes == ("0", "1", "2")
    assert images.class_counts == {"0": 2, "1": 3, "2": 1}


@pytest.mark.parametrize("labels", [list("abcabb"), np.array(list("abcabb"))])
def test_labels_that_are_names(labels):
    images = ImageSet(GREY, labels)
    assert images.classes == ("a", "b", "c")
    assert images.labels.tolist() == [0, 1, 2, 0, 1, 1]
    assert ImageSet(GREY, labels, classes=["c", "b", "a"]).labels.tolist() == [2, 1, 0, 2, 1, 1]


BAD_LABELS = {
    "one-hot": ({"labels": F.one_hot(LABELS)}, r"are they one-hot\? Then give labels\.argmax\(1\)"),
    "floats": ({"labels": LABELS.float()}, "whole numbers, the indices of classes, not float32"),
    "a number": ({"labels": 3}, "one number for each image"),
    "too few": ({"labels": LABELS[1:]}, "there are 6 images but 5 labels"),
    "below 0": ({"labels": LABELS - 1}, "go from -1 to 1"),
    "beyond": (
        {"classes": ["cat", "dog"]},
        "labels must be from 0 to 1, the indices of the 2 classes; these go from 0 to 2",
    ),
    "an unknown name": ({"labels": list("abcabb"), "classes": ["a", "b"]}, "the label 'c' is no class"),
    "names twice": ({"classes": ["cat", "dog", "cat"]}, "two classes have the name 'cat'"),
    "a text as classes": ({"classes": "cats"}, "a list of names"),
    "numbers as classes": ({"classes": [0, 1, 2]}, "a list of names"),
    "three means": ({"mean": (0.1, 0.2, 0.3)}, "one mean and one std for each channel, not 3 and 1"),
    "std of 0": ({"std": 0}, "above 0"),
    "a mean that is none": ({"mean": float("nan")}, "finite"),
    "a text as mean": ({"mean": "half"}, "one number for each channel"),
    "another scaling": ({"scaling": "fit"}, '"crop" or "stretch"'),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_what_does_not_fit_the_images(name):
    changes, message = BAD_LABELS[name]
    with pytest.raises(ValueError, match=message):
        ImageSet(**{"images": GREY, "labels": LABELS, **changes})


def test_mean_and_std_are_numpys_unless_given():
    images = ImageSet(COLOUR, LABELS)
    pixels = COLOUR.numpy() / 255
    np.testing.assert_allclose(images.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(images.std, pixels.std(axis=(0, 2, 3)), rtol=1e-12)
    rest, part = images.split(0.5, seed=0)
    assert rest.mean == part.mean == images.mean
    assert ImageSet(GREY, LABELS, mean=0.13, std=np.float32(0.5)).mean == (0.13,)
    assert ImageSet(torch.zeros(2, 1, 2, 2, dtype=torch.uint8), [0, 1]).std == (1.0,)


def test_a_tensor_of_bytes_is_not_copied():
    assert ImageSet(GREY, LABELS).images.data_ptr() == GREY.data_ptr()


def test_items_are_the_loaders_images():
    images = ImageSet(COLOUR, LABELS)
    [(batch, labels)] = Loader(images, 6)
    for index in (0, 5, -1, np.int64(2), torch.tensor(3)):
        image, label = images[index]
        assert image.dtype == torch.float32
        assert torch.equal(image, batch[int(index)])
        assert (label, type(label)) == (int(labels[int(index)]), int)
    assert len(list(images)) == 6  # iterating ends


@pytest.mark.parametrize("index", [slice(3), [0, 1], 1.0, "0", None])
def test_an_index_that_is_no_number(index):
    with pytest.raises(TypeError, match=r"an index is one whole number, not .*; image_set\.subset"):
        ImageSet(GREY, LABELS)[index]


@pytest.fixture
def digits(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    return load("MNIST", "train").resize(32)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataloader_gives_the_same_numbers(digits, workers):
    part = digits.subset(slice(0, 200))
    torch.manual_seed(0)
    model = LeNet5()
    assert evaluate(model, DataLoader(part, 50, num_workers=workers)) == evaluate(model, Loader(part, 50))
    torch.manual_seed(0)
    other = LeNet5()
    for network, loader in ((model, Loader(part, 50)), (other, DataLoader(Subset(part, range(200)), 50))):
        fit(network, loader, optimizer=torch.optim.SGD(network.parameters(), lr=0.1), epochs=1)
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), other.parameters(), strict=True))


def hand_loop(model, loader, epochs=2):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return model


def seeded():
    torch.manual_seed(3)
    return LeNet5()


def test_skorch_trains_and_measures_the_same(digits):
    skorch = pytest.importorskip("skorch")
    part = digits.subset(slice(0, 200))
    net = skorch.NeuralNetClassifier(
        seeded(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=0.1, max_epochs=2, batch_size=50,
        train_split=None, iterator_train__shuffle=False, verbose=0,
    )  # fmt: skip
    net.fit(part, y=None)
    mine = hand_loop(seeded(), Loader(part, 50))
    for ours, theirs in zip(mine.parameters(), net.module_.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert (net.predict(part) == part.labels.numpy()).mean() == pytest.approx(evaluate(mine, Loader(part, 50)).accuracy)


@pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:FutureWarning"
)  # of Lightning itself
@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
def test_lightning_trains_the_same(digits, tmp_path):
    assert torchvision.transforms  # Lightning imports torchvision, which may need our way round its operators
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def training_step(self, batch, index):
            images, labels = batch
            return F.cross_entropy(self.model(images), labels)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    part = digits.subset(slice(0, 200))
    module = Module(seeded())
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, DataLoader(part, 50))
    for ours, theirs in zip(hand_loop(seeded(), Loader(part, 50)).parameters(), module.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_split_can_balance_classes():
    labels = torch.tensor([0] * 90 + [1] * 10 + [2] * 2)
    images = ImageSet(torch.zeros(102, 1, 1, 1, dtype=torch.uint8), labels, mean=0, std=1)
    for seed in range(20):
        rest, part = images.split(0.2, seed=seed, balanced=True)
        assert list(part.class_counts.values()) == [18, 2, 1]
        assert list(rest.class_counts.values()) == [72, 8, 1]
    assert any(images.split(0.2, seed=seed)[1].class_counts["1"] != 2 for seed in range(20))
    with pytest.raises(ValueError, match="the class '2' has one image, which can't be in both parts"):
        images.subset(slice(0, 101)).split(0.2, seed=0, balanced=True)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_split_can_keep_groups_together(balanced):
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(30, (400,), generator=generator)
    labels = torch.randint(3, (400,), generator=generator)
    pixels = torch.arange(400).div(400)[:, None, None, None]
    images = ImageSet(pixels, labels, mean=0, std=1)
    images.images[:, 0, 0, 0] = groups.to(torch.uint8)
    chosen = set()
    for seed in range(10):
        rest, part = images.split(0.25, seed=seed, groups=groups.tolist(), balanced=balanced)
        assert not set(rest.images.flatten().tolist()) & set(part.images.flatten().tolist())
        assert len(part) + len(rest) == 400
        assert len(part) == pytest.approx(100, abs=15)
        if balanced:
            for name, number in images.class_counts.items():
                assert part.class_counts[name] == pytest.approx(number / 4, abs=10)
        chosen.add(tuple(sorted(set(part.images.flatten().tolist()))))
    assert len(chosen) > 1 or balanced
    expected = images.split(0.25, 0, groups=groups)[1].images
    for same in (groups.tolist(), groups.numpy(), list(groups.numpy()), list(groups), [f"g{i:02}" for i in groups]):
        assert torch.equal(images.split(0.25, 0, groups=same)[1].images, expected)


def test_groups_that_can_not_be_divided():
    images = ImageSet(GREY, LABELS)
    with pytest.raises(ValueError, match="all images are of one group"):
        images.split(0.5, 0, groups=["me"] * 6)
    with pytest.raises(ValueError, match="there are 6 images but 2 groups"):
        images.split(0.5, 0, groups=[1, 2])


def test_resize_takes_height_and_width():
    images = ImageSet(COLOUR, LABELS)
    assert images.resize((7, 9)).images.shape == (6, 3, 7, 9)
    assert images.resize((7, 9)).preprocessing.input_shape == (3, 7, 9)
    for size in (0, -3, 2.5, (1, 2, 3), "8"):
        with pytest.raises(ValueError, match="a size is a number of pixels"):
            images.resize(size)


def test_preprocessing_goes_there_and_back():
    preprocessing = ImageSet(COLOUR, LABELS, scaling="stretch").preprocessing
    assert type(preprocessing).from_dict(preprocessing.as_dict()) == preprocessing
    assert torch.equal(preprocessing.normalise(COLOUR), next(iter(Loader(ImageSet(COLOUR, LABELS), 6)))[0])


def test_known_sets_keep_their_statistics(digits):
    assert (digits.mean, digits.std) == STATISTICS["MNIST"]
    assert re.match(r"ImageSet\(MNIST train: 2,000 images of 1×32×32, 10 classes\)", repr(digits))
