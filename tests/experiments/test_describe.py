"""Settings that differ never look alike, and those that are the same always do."""

import json
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse.augment import random_crop, random_flip
from cnncourse.data import ImageSet
from cnncourse.experiments._describe import describe
from cnncourse.models import LeNet5


def image_set(pixel=0, label=0, mean=0.5, name="mine", split="train"):
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    images[0, 0, 0, 0] = pixel
    return ImageSet(images, torch.tensor([label, 1]), ("a", "b"), (mean,), (0.2,), name, split)


def roll(pixels):
    return lambda images: images.roll(pixels)


class Colour(Enum):
    RED = 1
    BLUE = 2


class Noise:
    def __init__(self, strength):
        self.strength = strength

    def __call__(self, images):
        return images

    def twice(self, images):
        return images


@dataclass
class Shift:
    pixels: int


class Slots:
    __slots__ = ()


def notebook(code, **names):
    """What a notebook's cells define: functions and classes of `__main__`."""
    module = ModuleType("__main__")
    vars(module).update({"torch": torch, "nn": nn, "F": F, **names})
    exec(code, vars(module))
    return vars(module)


NET = """
class Net(nn.Module):
    width = 8

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, images):
        return F.relu(self.layer(images.flatten(1)))
"""
MAKER = "def make(parameters):\n    return torch.optim.SGD(parameters, lr=LR)"


def test_plain_values_stay_as_they_are():
    values = (None, True, 3, 0.1, "MNIST", (1, (2, "a")), [])
    assert json.loads(json.dumps(describe(values))) == [None, True, 3, 0.1, "MNIST", [1, [2, "a"]], []]


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (np.float64(0.1), 0.1),
        (np.int32(3), 3),
        (np.bool_(True), True),
        (torch.tensor(2), 2),
        (np.array(0.5), 0.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (LeNet5, "LeNet5"),
        (F.cross_entropy, "cross_entropy"),
        (random_flip, "random_flip"),
        (partial(random_crop, padding=np.int64(2)), "random_crop(padding=2)"),
        (partial(torch.optim.SGD, lr=np.float64(0.1)), "SGD(lr=0.1)"),
        (partial(F.cross_entropy, reduction="sum"), "cross_entropy(reduction='sum')"),
        (partial(LeNet5, pool=partial(nn.MaxPool2d, stride=2)), "LeNet5(pool=MaxPool2d(stride=2))"),
        (partial(LeNet5, (1, (nn.ReLU, 2))), "LeNet5([1, [ReLU, 2]])"),
        (Colour.RED, "Colour.RED"),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), "device(type='cpu')"),
        (nn.Identity(), "Identity()"),
    ],
)
def test_a_description(value, described):
    assert describe(value) == described
    assert json.loads(json.dumps(describe(value))) == described


DIFFERENT = {
    "a number and its text": (partial(F.dropout, p=1), partial(F.dropout, p="1")),
    "smoothing of a loss": (nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss(label_smoothing=0.2)),
    "no smoothing": (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)),
    "a loss and its function": (nn.CrossEntropyLoss(), F.cross_entropy),
    "weights of a loss": (nn.NLLLoss(torch.tensor([1.0, 2])), nn.NLLLoss(torch.tensor([1.0, 3]))),
    "many weights": (nn.NLLLoss(torch.arange(100.0)), nn.NLLLoss(torch.arange(100.0) + 1e-5)),
    "arrays": (partial(F.pad, pad=np.zeros(50)), partial(F.pad, pad=np.zeros((2, 25)))),
    "layers in layers": (nn.Sequential(nn.Dropout(0.1)), nn.Sequential(nn.Dropout(0.2))),
    "objects": (Noise(0.1), Noise(0.2)),
    "methods of objects": (Noise(0.1).twice, Noise(0.2).twice),
    "an object and its method": (Noise(0.1), Noise(0.1).twice),
    "dataclasses": (Shift(1), Shift(2)),
    "members of an enum": (Colour.RED, Colour.BLUE),
    "lambdas": (lambda images: images + 1, lambda images: images + 2),
    "lambdas that call others": (lambda p: torch.optim.SGD(p), lambda p: torch.optim.Adam(p)),
    "defaults": (lambda p, lr=0.1: p, lambda p, lr=0.2: p),
    "closures": (roll(1), roll(2)),
    "functions of one name": (F.dropout, Noise.twice),
    "bodies of classes": (notebook(NET)["Net"], notebook(NET.replace("F.relu", "F.gelu"))["Net"]),
    "attributes of classes": (notebook(NET)["Net"], notebook(NET.replace("width = 8", "width = 9"))["Net"]),
    "bases of classes": (
        notebook(NET + "class Mine(Net): pass")["Mine"],
        notebook(NET.replace("784", "785") + "class Mine(Net): pass")["Mine"],
    ),
    "globals": (notebook(MAKER, LR=0.1)["make"], notebook(MAKER, LR=0.2)["make"]),
    "functions that functions use": tuple(
        notebook(f"def make():\n    return other()\ndef other():\n    return {n}")["make"] for n in (1, 2)
    ),
    "functions in containers": tuple(
        notebook(f"def make():\n    return parts[0]\nparts = [lambda: {n}]")["make"] for n in (1, 2)
    ),
    "a notebook's class and the course's": (notebook("class LeNet5: pass")["LeNet5"], LeNet5),
    "kept functions": tuple(lru_cache(notebook(f"def f(): return {n}")["f"]) for n in (1, 2)),
    "pixels": (image_set(pixel=0), image_set(pixel=1)),
    "labels": (image_set(label=0), image_set(label=1)),
    "statistics": (image_set(mean=0.5), image_set(mean=0.4)),
    "splits": (image_set(split="train"), image_set(split="test")),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize(
    "where", [lambda value: value, lambda value: (value,), lambda value: partial(F.dropout, value)]
)
def test_what_differs_never_looks_alike(pair, where):
    first, second = (json.dumps(describe(where(value))) for value in pair)
    assert first != second


SAME = {
    "cells run again": lambda: notebook(NET)["Net"],
    "lambdas made again": lambda: lambda images: images + 1,
    "closures": lambda: roll(1),
    "objects": lambda: Noise(0.1),
    "losses": lambda: nn.CrossEntropyLoss(torch.arange(50.0), label_smoothing=0.1),
    "own images": image_set,
    "sets of texts": lambda: lambda name: name in {"a", "b", "c", "d"},
    "a function that calls itself": lambda: notebook("def f(n):\n    return f(n - 1)")["f"],
    "functions that call each other": lambda: notebook("def f(): return g()\ndef g(): return f()")["f"],
    "a function that uses an object that can't be described": lambda: notebook("def f(): return thing", thing=Slots())[
        "f"
    ],
}


@pytest.mark.parametrize("make", SAME.values(), ids=SAME)
def test_what_is_the_same_looks_alike(make):
    assert describe(make()) == describe(make())


def test_a_comment_and_the_line_of_a_definition_change_nothing():
    assert describe(notebook(NET)["Net"]) == describe(
        notebook("# of mine\n\n" + NET.replace("F.relu", "F .relu"))["Net"]
    )


def test_functions_of_other_modules_are_named_with_them():
    assert describe(Shift) == f"{__name__}.Shift"
    assert describe(np.mean) == "numpy.mean"
    assert describe(Noise(0.1)) == f"{__name__}.Noise(strength=0.1)"


def test_what_has_no_description_is_refused_with_the_way_out():
    with pytest.raises(
        ValueError, match="can't be told from others of its kind; give a function, a class or a partial"
    ):
        describe(Slots())
