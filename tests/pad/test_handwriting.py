"""The course's networks read digits that were drawn on the pad, not taken from MNIST."""

import pytest
import torch
from handwriting import FIRST_THREE, HANDWRITING

from cnncourse.checkpoint import load_weights
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Loader
from cnncourse.experiments.recipes import RECIPES
from cnncourse.experiments.results import weights_file
from cnncourse.pad.digits import digit_image
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
    model = load_weights(weights_file(name), recipe.model())
    answers = predict(model, Loader(drawn, batch_size=64)).argmax(dim=1)
    return [(i, int(labels[i]), int(answers[i])) for i in range(len(labels)) if answers[i] != labels[i]]


def test_there_are_three_of_each_digit():
    assert sorted(digit for digit, _ in FIRST_THREE) == sorted(3 * list(range(10)))


def test_the_best_network_reads_handwriting():
    assert len(misread("digitnet-best", FIRST_THREE)) <= 2


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_handwriting(name):
    assert len(misread(name, HANDWRITING)) <= 3


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_every_sample(digit_page, name):
    samples = digit_page.evaluate("cnncourse.SAMPLES")
    assert misread(name, [(sample["digit"], sample["strokes"]) for sample in samples]) == []
