"""The course's networks read digits that were drawn on the pad, not taken from MNIST."""

import pytest
import torch
import torch.nn.functional as F
from handwriting import FIRST_THREE, HANDWRITING

from cnncourse.experiments import trained
from cnncourse.pad import digit_image, sample_drawings

NETWORKS = ["digitnet-best", "lenet5-mnist", "seminar-cnn", "seminar-mlp"]


def misread(name, drawings):
    """The number, the digit and the network's answer for each drawing that it reads wrongly."""
    model = trained(name)
    images = torch.stack([digit_image(strokes) for _, strokes in drawings])
    images = F.interpolate(images, model.preprocessing.size, mode="bilinear", antialias=True)
    with torch.no_grad():
        answers = model(model.preprocessing.normalise(images)).argmax(dim=1).tolist()
    return [
        (i, digit, answer)
        for i, ((digit, _), answer) in enumerate(zip(drawings, answers, strict=True))
        if digit != answer
    ]


def test_there_are_three_of_each_digit():
    assert sorted(digit for digit, _ in FIRST_THREE) == sorted(3 * list(range(10)))


def test_the_best_network_reads_handwriting():
    assert len(misread("digitnet-best", FIRST_THREE)) <= 2


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_handwriting(name):
    assert len(misread(name, HANDWRITING)) <= 3


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_every_sample(name):
    assert misread(name, [(sample["digit"], sample["strokes"]) for sample in sample_drawings()]) == []
