"""The pad's JavaScript that needs no browser, in Node: it must compute what Python and torch compute."""

import base64
import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exported import LAYERS, Plain, prepared_for, randomised
from handwriting import BAD_DRAWINGS, HANDWRITING, random_drawing
from PIL import Image
from torch import Tensor, nn

from cnncourse._text import by
from cnncourse.data import load
from cnncourse.data._sources import sample_arrays
from cnncourse.experiments import RECIPES, trained
from cnncourse.models import CifarNet, DigitNet, LeNet5, group_norm
from cnncourse.pad import digit_image, sample_drawings, web_network
from cnncourse.settings import files

NODE = shutil.which("node")
HERE = Path(__file__).parent


def text(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()


def course_models():
    """Each model of the course, with the weights that come with it or random ones, and the data set of its images."""
    models = {
        "lenet5-relu-average": (randomised(LeNet5(activation=nn.ReLU)), "MNIST"),
        "lenet5-tanh-max": (randomised(LeNet5(pool=nn.MaxPool2d)), "FashionMNIST"),
        "digitnet-separable-dropout": (randomised(DigitNet(dropout=0.1, separable=True)), "MNIST"),
        "digitnet-groupnorm": (randomised(DigitNet(norm=group_norm)), "FashionMNIST"),
        "cifarnet-dropout": (randomised(CifarNet()), "CIFAR10"),
    }
    made = set()
    for name, recipe in RECIPES.items():
        if (files("recipes") / "weights" / f"{name}.pt").exists():
            models[name] = trained(name), recipe.data
        elif repr(recipe.model()) not in made:
            models[name] = randomised(recipe.model()), recipe.data
        made.add(repr(recipe.model()))
    return models


def answers(model: nn.Module, images: Tensor, preprocessing) -> dict:
    with torch.no_grad():
        logits = model.eval()(preprocessing.normalise(images))
    return {
        "network": web_network(model, preprocessing=preprocessing),
        "images": text(images),
        "logits": logits.tolist(),
        "probabilities": (logits / getattr(model, "temperature", 1)).softmax(dim=1).tolist(),
    }


def course_networks():
    for name, (model, data) in course_models().items():
        size = model.input_shape[1]
        images = load(data, "test").resize(size).subset(slice(20))
        yield name, answers(model, images.images, images.preprocessing)


def layer_networks():
    """Each layer alone, on maps that are not square and have negative numbers too."""
    for name, layer in LAYERS.items():
        model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), layer, nn.Flatten(), nn.LazyLinear(10))
        model.eval()(torch.zeros(1, 1, 9, 11))
        randomised(model)
        images, preprocessing = torch.randint(256, (3, 1, 9, 11), dtype=torch.uint8), prepared_for(1, 9, 11)
        with torch.no_grad():
            maps = model[:3](preprocessing.normalise(images)).flatten(1)  # flattened is the one before the last
        yield name, answers(model, images, preprocessing) | {"maps": maps.tolist()}
    yield (
        "a model of one's own",
        answers(
            randomised(Plain()).eval(), torch.randint(256, (5, 1, 28, 28), dtype=torch.uint8), prepared_for(1, 28, 28)
        ),
    )


def overflowing_networks():
    """The exponential of 1000 is infinite; whatever the model ends with."""
    for name, last in {"none": [], "log": [nn.LogSoftmax(dim=1)], "softmax": [nn.Softmax(dim=1)]}.items():
        dense = nn.Linear(4, 10)
        dense.weight.data.zero_()
        dense.bias.data = torch.tensor([1000.0, 999, -1000, 0, 0, 0, 0, 0, 0, 998])
        images = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
        found = answers(nn.Sequential(nn.Flatten(), dense, *last), images, prepared_for(1, 2, 2))
        yield f"overflow, {name} at the end", found | {"probabilities": dense.bias.data.softmax(0)[None].tolist()}


def drawings():
    strokes = [sample["strokes"] for sample in sample_drawings()] + [strokes for _, strokes in HANDWRITING]
    strokes += [*map(random_drawing, range(200)), [{"radius": 12, "points": [[100, 50]]}]]
    return [{"strokes": each, "pixels": text(digit_image(each))} for each in strokes]


def no_drawings():
    """What is refused, with Python's words; JSON has no NaN."""
    for name, strokes in BAD_DRAWINGS.items():
        with pytest.raises(ValueError, match=r"[Ss]troke|drawing") as refused:
            digit_image(strokes)
        if "NaN" not in (written := json.dumps(strokes)) and "Infinity" not in written:
            yield name, {"strokes": strokes, "message": str(refused.value)}


def resized():
    images = torch.from_numpy(sample_arrays("MNIST", "test")[0][:100])
    sizes = [(32, 32), (14, 14), (20, 20), (28, 28), (29, 29), (56, 56), (1, 1), (20, 41), (64, 5)]
    for to in sizes:
        larger = F.interpolate(images, to, mode="bilinear", antialias=True)
        yield {"from": [28, 28], "to": to, "images": text(images), "resized": text(larger)}
    image = torch.from_numpy(sample_arrays("CIFAR10", "test")[0][:5]).flatten(0, 1)[:, None, :, :20]
    for to in ((16, 16), (70, 3)):
        other = F.interpolate(image, to, mode="bilinear", antialias=True)
        yield {"from": [32, 20], "to": to, "images": text(image), "resized": text(other)}


def pictures(folder):
    """Photographs of many sizes, as `Preprocessing.read` reads them from a file."""
    photo = Image.fromarray(sample_arrays("CIFAR10", "test")[0][0].transpose(1, 2, 0))
    sizes = [(320, 240), (33, 70), (32, 32), (20, 90), (5, 3)]
    shapes = [(3, 32, 32), (1, 28, 28), (3, 20, 50), (1, 9, 4)]
    for size, shape in product(sizes, shapes):
        picture = photo.resize(size, Image.Resampling.BICUBIC)
        picture.save(folder / "picture.png")
        preprocessing = prepared_for(*shape)
        batch = preprocessing.read(folder / "picture.png") * preprocessing.std[0] + preprocessing.mean[0]
        yield {
            "name": f"{by(size)} to {by(shape)}",
            "from": picture.size[::-1],
            "rgba": text(torch.from_numpy(np.array(picture.convert("RGBA")))),
            "shape": shape,
            "pixels": text((batch * 255).round().byte()),
        }


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """A file with what Python computes."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNCOURSE_QUICK", "1")
        networks = {**dict(course_networks()), **dict(layer_networks()), **dict(overflowing_networks())}
    values = {
        "networks": networks,
        "drawings": drawings(),
        "noDrawings": dict(no_drawings()),
        "resized": list(resized()),
        "pictures": list(pictures(tmp_path_factory.mktemp("pictures"))),
    }
    path = tmp_path_factory.mktemp("expected") / "expected.json"
    path.write_text(json.dumps(values), encoding="utf8")
    return path


@pytest.mark.skipif(NODE is None, reason="no node on the PATH")
@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_in_node(file, expected):
    environment = os.environ | {"CNNCOURSE_EXPECTED": str(expected)}
    options = ["--test", "--test-reporter=tap"]
    run = subprocess.run([NODE, *options, file], env=environment, capture_output=True, text=True, encoding="utf8")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# skipped 0" in run.stdout
    assert "# tests 0" not in run.stdout
