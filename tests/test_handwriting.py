"""The course's networks read digits that were drawn on the pad, not taken from MNIST."""

import pytest
import torch
from handwriting import FIRST_THREE, HANDWRITING
from test_digits import page  # noqa: F401 - a fixture
from test_site import browser_only

from cnncourse.checkpoint import load_weights
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Loader
from cnncourse.digits import digit_image
from cnncourse.recipes import RECIPES
from cnncourse.results import weights_file
from cnncourse.train import predict

NETWORKS = ["digitnet-best", "lenet5-mnist", "seminar-cnn", "seminar-mlp"]


def misread(name, drawings):
    """The number, the digit and the network's answer for each drawing that it reads wrongly."""
    images = torch.stack([digit_image(strokes) for _, strokes in drawings])
    labels = torch.tensor([digit for digit, _ in drawings])
    drawn = ImageSet(images, labels, CLASSES["MNIST"], *STATISTICS["MNIST"], name="MNIST", split_name="test")
    recipe = RECIPES[name]
    if recipe.image_size is not None:
        drawn = drawn.resize(recipe.image_size)
    model = load_weights(recipe.model(), weights_file(name))
    answers = predict(model, Loader(drawn, batch_size=64)).argmax(dim=1)
    return [(i, int(labels[i]), int(answers[i])) for i in range(len(labels)) if answers[i] != labels[i]]


def test_there_are_three_of_each_digit():
    assert sorted(digit for digit, _ in FIRST_THREE) == sorted(3 * list(range(10)))


def test_the_best_network_reads_handwriting():
    assert len(misread("digitnet-best", FIRST_THREE)) <= 2


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_handwriting(name):
    assert len(misread(name, HANDWRITING)) <= 3


@browser_only
@pytest.mark.browser
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_every_sample(page, name):  # noqa: F811
    samples = page.evaluate("cnncourse.SAMPLES")
    assert misread(name, [(sample["digit"], sample["strokes"]) for sample in samples]) == []
