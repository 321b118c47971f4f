"""Batches of any kind are counted rightly or refused in the reader's words, wherever a loader is taken."""

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.metrics
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)
from tqdm import tqdm

from cnncourse._batches import preprocessing_of, refuse_test_split
from cnncourse.analysis import confusion_matrix, misclassified
from cnncourse.data import ImageSet, Loader
from cnncourse.train import accuracy, evaluate, fit, loss_batch, predict

IMAGES = torch.randn(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3


class Model(nn.Sequential):
    """Three classes, the same network each time."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__(nn.Flatten(), nn.Linear(16, 3))


def train(model: nn.Module, loader):
    return fit(model, loader, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)


TAKERS = {
    "fit": train,
    "fit, valid": lambda model, loader: fit(
        model, [(IMAGES, LABELS)], loader, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=1
    ),
    "evaluate": evaluate,
    "misclassified": misclassified,
    "confusion_matrix": confusion_matrix,
    "loss_batch": lambda model, loader: [loss_batch(model, *batch) for batch in loader],
}

GOOD = {
    "pair": (IMAGES, LABELS),
    "list": [IMAGES, LABELS],
    "dict": {"image": IMAGES, "label": LABELS},
    "dict of CIFAR-10": {"img": IMAGES, "label": LABELS, "id": list("abcdefghijkl")},
    "dict of a processor": {"pixel_values": IMAGES, "labels": LABELS},
    "arrays": (IMAGES.numpy(), LABELS.numpy()),
    "an array that goes backwards": (IMAGES.numpy()[::-1][::-1], LABELS.numpy()[::-1][::-1]),
    "float64 arrays": (IMAGES.double().numpy(), LABELS.numpy()),
    "float64": (IMAGES.double(), LABELS),
    "int32": (IMAGES, LABELS.int()),
    "int16": (IMAGES, LABELS.short()),
    "int8": (IMAGES, LABELS.char()),
    "uint8": (IMAGES, LABELS.byte()),
    "uint16 array": (IMAGES, LABELS.numpy().astype(np.uint16)),
    "N×1": (IMAGES, LABELS[:, None]),
    "list of labels": (IMAGES, LABELS.tolist()),
    "tuple of labels": (IMAGES, tuple(LABELS)),
}


@pytest.mark.parametrize("name", GOOD)
def test_batches_that_say_the_same_give_the_same(name):
    reference, batch = [(IMAGES, LABELS)], GOOD[name]
    assert evaluate(Model(), [batch]) == evaluate(Model(), reference)
    assert misclassified(Model(), [batch]) == misclassified(Model(), reference)
    assert torch.equal(confusion_matrix(Model(), [batch]), confusion_matrix(Model(), reference))
    assert torch.equal(predict(Model(), [batch]), predict(Model(), IMAGES))
    first, second = train(Model(), [batch]), train(Model(), reference)
    assert first.column("train_loss") == second.column("train_loss")


def test_labels_of_yes_and_no():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    labels = LABELS == 1
    assert evaluate(model, [(IMAGES, labels)]) == evaluate(model, [(IMAGES, labels.long())])


def test_images_follow_the_precision_of_the_model():
    for precision in (torch.float64, torch.bfloat16):
        model = Model().to(precision)
        assert predict(model, IMAGES).shape == (12, 3)
        evaluate(model, [(IMAGES, LABELS)])


ONE_HOT = F.one_hot(LABELS)
BAD = {
    "bytes": ((IMAGES * 100).byte(), LABELS, ValueError, r"images are bytes from 0 to 255.*images\.float\(\) / 255"),
    "whole numbers": (IMAGES.long(), LABELS, ValueError, "images are numbers of type int64"),
    "yes and no": (IMAGES > 0, LABELS, ValueError, "images are numbers of type bool"),
    "bytes in an array": ((IMAGES * 100).byte().numpy(), LABELS, ValueError, "images are bytes"),
    "a list of images": (list(IMAGES), LABELS, TypeError, r"a list of 12: torch\.stack"),
    "one-hot": (IMAGES, ONE_HOT, ValueError, r"these are 12×3; .*labels\.argmax\(dim=1\)"),
    "one-hot floats": (IMAGES, ONE_HOT.float(), ValueError, r"labels\.argmax\(dim=1\)"),
    "one-hot, one image": (IMAGES[:1], ONE_HOT[:1], ValueError, "these are 1×3"),
    "one-hot, as many images as classes": (IMAGES[:3], ONE_HOT[:3].float(), ValueError, "these are 3×3"),
    "mixed labels": (IMAGES, ONE_HOT * 0.7 + 0.1, ValueError, "one-hot or probabilities"),
    "floats": (IMAGES, LABELS.float(), ValueError, r"but these are float32: give labels\.long\(\)"),
    "float64": (IMAGES, LABELS.double().numpy(), ValueError, "but these are float64"),
    "float N×1": (IMAGES, LABELS.float()[:, None], ValueError, "but these are float32"),
    "masks": (IMAGES, LABELS[:, None, None].expand(12, 4, 4), ValueError, "these are 12×4×4"),
    "too few": (IMAGES, LABELS[:5], ValueError, "12 images but 5 labels"),
    "too many": (IMAGES[:5], LABELS, ValueError, "5 images but 12 labels"),
    "no image": (IMAGES[:0], LABELS[:0], ValueError, "this batch has no image"),
    "words": (IMAGES, ["cat"] * 12, TypeError, "labels must be numbers"),
    "an array of words": (IMAGES, np.array(["cat"] * 12), TypeError, "labels must be numbers"),
    "nothing": (IMAGES, None, TypeError, "labels must be a tensor, but these are of type NoneType"),
    "a class too high": (IMAGES, LABELS.byte() + 1, ValueError, "the model has 3 classes.*from 1 to 3"),
    "255 for none": (IMAGES, LABELS.byte() - 1, ValueError, "labels from 0 to 255"),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("name", BAD)
def test_images_and_labels_that_do_not_fit(taker, name):
    images, labels, kind, message = BAD[name]
    model = Model()
    before = model[1].weight.clone()
    with pytest.raises(kind, match=message):
        TAKERS[taker](model, [(images, labels)])
    if taker != "fit, valid":
        assert torch.equal(before, model[1].weight)


NO_BATCHES = {
    "images alone": (DataLoader(IMAGES, 2), r"a pair of images and labels, but this loader gave a tensor of 2×1×4×4"),
    "images alone in a list": (DataLoader(TensorDataset(IMAGES), 2), "this loader gave a list of 1 alone"),
    "a batch, not in a list": ((IMAGES, LABELS), r"put it into a list: \[\(images, labels\)\]"),
    "triples": (DataLoader(TensorDataset(IMAGES, LABELS, LABELS), 2), "gave a list of 3. Let the data set return"),
    "a dict of three": ([{"x": IMAGES, "y": LABELS, "z": 1}], 'the keys x, y, z.*Call them "image" and "label"'),
    "two kinds of labels": ([{"img": IMAGES, "label": LABELS, "labels": LABELS}], "the keys img, label, labels"),
    "words": (["batch"], "gave of type str"),
    "one image": (TensorDataset(IMAGES, LABELS), "images must come in batches: give a Loader"),
    "one image, as a dict": ([{"image": IMAGES[0], "label": 3}], "images must come in batches"),
    "without a batch size": (DataLoader(TensorDataset(IMAGES, LABELS), batch_size=None), "must come in batches"),
    "a number": (3, "a loader gives batches of images and labels, one after the other; this is of type int"),
    "a path": ("images/", "this is of type str"),
    "a dict of loaders": ({"train": [(IMAGES, LABELS)]}, "this is of type dict"),
    "a class": (DataLoader, "this is of type type"),
}


@pytest.mark.parametrize("taker", [name for name in TAKERS if name != "loss_batch"])
@pytest.mark.parametrize("name", NO_BATCHES)
def test_loaders_that_give_no_pairs(taker, name):
    loader, message = NO_BATCHES[name]
    with pytest.raises(TypeError, match=message):
        TAKERS[taker](Model(), loader)


@pytest.mark.parametrize(
    "loader",
    [DataLoader(IMAGES, 5), DataLoader(TensorDataset(IMAGES), 5), [{"image": IMAGES}], IMAGES.numpy(), (IMAGES,)],
    ids=["images", "tuples", "dicts", "array", "tuple"],
)
def test_predict_needs_no_labels(loader):
    torch.testing.assert_close(predict(Model(), loader), predict(Model(), IMAGES))


@pytest.mark.parametrize("nothing", [[], (), iter(()), DataLoader(TensorDataset(IMAGES[:0], LABELS[:0]))])
def test_no_batch(nothing):
    for look in (evaluate, predict, misclassified, confusion_matrix):
        with pytest.raises(ValueError, match="the loader gave no batch"):
            look(Model(), nothing)


def test_predict_of_no_image():
    assert predict(Model(), IMAGES[:0]).shape == (0, 3)


def test_the_accuracy_is_never_above_one():
    logits = torch.eye(3)
    assert accuracy(logits, torch.arange(3)[:, None]) == 1
    for labels in (torch.eye(3), torch.eye(3).long(), torch.arange(3.0), torch.arange(4)):
        with pytest.raises(ValueError, match=r"labels"):
            accuracy(logits, labels)


@pytest.mark.parametrize("classes", [2, 12, 16, 17, 26, 200, 300])
@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_small_types_of_labels_do_not_overflow(classes, kind):
    """With 17 classes, 16·17 + 16 is 32 in uint8."""
    largest = min(classes, torch.iinfo(kind).max + 1)
    labels = torch.arange(largest)
    answers = torch.eye(classes)[labels.flip(0)].view(-1, 1, 1, classes)
    matrix = confusion_matrix(nn.Flatten(), [(answers, labels.to(kind))])
    expected = sklearn.metrics.confusion_matrix(labels, labels.flip(0), labels=range(classes))
    assert matrix.tolist() == expected.tolist()


DATA = TensorDataset(IMAGES, LABELS)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(DATA)


class Wrapper:
    """A student's own class around a loader."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        return iter(self.loader)


def sampled(**options) -> DataLoader:
    return DataLoader(DATA, **{"batch_size": 5} | options)


SHUFFLED = {
    "shuffle": sampled(shuffle=True),
    "RandomSampler": sampled(sampler=RandomSampler(DATA)),
    "SubsetRandomSampler": sampled(sampler=SubsetRandomSampler(range(12))),
    "WeightedRandomSampler": sampled(sampler=WeightedRandomSampler(torch.ones(12), 12)),
    "a list": sampled(sampler=list(range(12))[::-1]),
    "batches of a RandomSampler": DataLoader(DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 5, False)),
    "batches of a list": DataLoader(DATA, batch_sampler=[[3, 4], [1, 2]]),
    "single images": DataLoader(DATA, batch_size=None, sampler=RandomSampler(DATA)),
    "workers that overtake": sampled(num_workers=2, in_order=False),
    "tqdm": tqdm(sampled(shuffle=True), disable=True),
    "an own class": Wrapper(sampled(shuffle=True)),
    "Loader": Loader(ImageSet(IMAGES.byte(), LABELS, ("a", "b", "c"), (0.5,), (0.2,)), 5, shuffle=True),
}
IN_ORDER = {
    "DataLoader": sampled(),
    "drop_last": sampled(drop_last=True),
    "SequentialSampler": sampled(sampler=SequentialSampler(DATA)),
    "batches of a SequentialSampler": DataLoader(DATA, batch_sampler=BatchSampler(SequentialSampler(DATA), 5, False)),
    "a stream": DataLoader(Stream(), 5),
    "tqdm": tqdm(sampled(), disable=True),
    "an own class": Wrapper(sampled()),
    "generator": ((images, labels) for images, labels in [(IMAGES, LABELS)]),
}


@pytest.mark.parametrize("look", [predict, misclassified])
@pytest.mark.parametrize("name", SHUFFLED)
def test_a_loader_that_is_not_in_order(look, name):
    with pytest.raises(ValueError, match="this loader shuffles, so the index of an image would be lost"):
        look(Model(), SHUFFLED[name])


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_loader_that_is_in_order(name):
    found = predict(Model(), IN_ORDER[name])
    torch.testing.assert_close(found, predict(Model(), IMAGES)[: len(found)])
    assert len(found) >= 10


class WithTransform(Dataset):
    """As students write it, to give a part of a data set its own transform."""

    def __init__(self, subset):
        self.subset = subset


def part(**says) -> TensorDataset:
    data = TensorDataset(IMAGES, LABELS)
    for name, value in says.items():
        setattr(data, name, value)
    return data


def circle() -> SimpleNamespace:
    first, second = SimpleNamespace(), SimpleNamespace()
    first.dataset, second.dataset = second, first
    return first


class NamedSplit:
    """As Hugging Face's, which is no str."""

    def __str__(self):
        return "test[:50%]"


SPLIT = {"test": part(train=False), "train": part(train=True)}
TEST_SPLITS = {
    "train=False": part(train=False),
    "split": part(split="test"),
    "a sum of splits": part(split="train+test"),
    "upper case": part(split="TEST"),
    "_split": part(_split="test"),
    "split_name": part(split_name="test"),
    "Hugging Face": part(split=NamedSplit()),
    "ConcatDataset": ConcatDataset([SPLIT["train"], SPLIT["test"]]),
    "Subset of a Subset": Subset(Subset(SPLIT["test"], range(9)), range(3)),
    "random_split": random_split(SPLIT["test"], [6, 6])[0],
    "nested": ConcatDataset([Subset(ConcatDataset([SPLIT["train"], SPLIT["test"]]), range(20)), DATA]),
    "StackDataset": StackDataset(SPLIT["test"], SPLIT["train"]),
    "StackDataset by name": StackDataset(a=SPLIT["train"], b=SPLIT["test"]),
    "DataLoader": DataLoader(Subset(SPLIT["test"], range(3))),
    "list of loaders": [DataLoader(SPLIT["train"]), DataLoader(SPLIT["test"])],
    "tqdm": tqdm(DataLoader(SPLIT["test"]), disable=True),
    "an own loader": Wrapper(DataLoader(SPLIT["test"])),
    "an own data set": DataLoader(WithTransform(Subset(SPLIT["test"], range(3)))),
    "ImageFolder": part(root="pets/test", class_to_idx={"cat": 0}),
}
OTHER_SPLITS = {
    "train=True": SPLIT["train"],
    "valid": part(split_name="valid"),
    "val": part(split="val"),
    "extra": part(split="extra"),
    "a method": part(split=lambda fraction: None, train=lambda: None),
    "ConcatDataset": ConcatDataset([SPLIT["train"], DATA]),
    "batches": [(IMAGES, LABELS)],
    "a circle": circle(),
    "ImageFolder": part(root="latest/train", class_to_idx={"cat": 0}),
    "nothing": None,
}


@pytest.mark.parametrize("name", TEST_SPLITS)
def test_the_test_split_is_refused_however_it_is_wrapped(name):
    with pytest.raises(ValueError, match="fit was given the test split"):
        refuse_test_split(TEST_SPLITS[name])


@pytest.mark.parametrize("name", OTHER_SPLITS)
def test_other_splits_are_taken(name):
    refuse_test_split(OTHER_SPLITS[name])


def image_set(mean: float = 0.5) -> ImageSet:
    return ImageSet(IMAGES.byte(), LABELS, ("a", "b", "c"), (mean,), (0.2,))


def test_the_preprocessing_of_a_loader():
    images, other = image_set(), image_set(mean=0.4)
    for loader in (
        Loader(images, 5),
        DataLoader(images, 5),
        DataLoader(Subset(images, range(3)), 5, collate_fn=default_collate),
        DataLoader(ConcatDataset([images, images]), 5),
        Wrapper(DataLoader(images, 5)),
    ):
        assert preprocessing_of(loader) == images.preprocessing
    for loader in (DataLoader(DATA), [(IMAGES, LABELS)], ConcatDataset([images, other]), part(preprocessing="centred")):
        assert preprocessing_of(loader) is None


def test_a_trained_model_carries_the_preprocessing_of_its_images():
    for wrap in (lambda model: model, nn.DataParallel, lambda model: torch.compile(model, backend="eager")):
        model = Model()
        train(wrap(model), Loader(image_set(), 5))
        assert model.preprocessing == image_set().preprocessing
