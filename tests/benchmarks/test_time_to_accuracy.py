"""The benchmarks that ask how long a training takes to a level of accuracy, and where its time goes."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from benchmarks import where_time_goes
from benchmarks.time_to_accuracy import comparison, course_epochs, measure, outcome, race, textbook_epochs
from cnncourse.augment import random_affine
from cnncourse.data import Loader, load
from cnncourse.experiments import Recipe, one_cycle, run_seed
from cnncourse.models import DigitNet

RECIPE = Recipe(
    data="MNIST",
    model=partial(DigitNet, DigitNet.SKELETON),
    batch_size=200,
    epochs=2,
    optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    scheduler=partial(one_cycle, max_lr=0.1),
    augment=(partial(random_affine, degrees=10),),
)


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")


def history(*accuracies):
    return [{"accuracy": accuracy, "seconds": 10} for accuracy in accuracies]


def test_ways_take_turns_and_stop_at_the_level():
    trained = []

    def way(name, *accuracies):
        for row in history(*accuracies):
            trained.append(name)
            yield row

    histories = race({"textbook": way("t", 0.1, 0.2, 0.3), "course": way("c", 0.5, 0.9, 0.95)}, 0.9)
    assert "".join(trained) == "tctct"
    assert histories == {"textbook": history(0.1, 0.2, 0.3), "course": history(0.5, 0.9)}


def test_outcome_of_a_way():
    assert outcome(history(0.98, 0.995, 0.99)) == {"epochs": 3, "seconds": 30, "best": 0.995}


@pytest.mark.parametrize(
    ("textbook", "course", "sentence"),
    [
        ((0.98, 0.99, 0.994), (0.994,), "The textbook way took 3.0 times as long."),
        ((0.98, 0.99), (0.995,), "The textbook way took more than 2.0 times as long: it had not got there when"),
        ((0.98, 0.995), (0.98,), "The course's way did not get there, so there is no ratio of times."),
        ((0.98,), (0.98,), "The course's way did not get there, so there is no ratio of times."),
    ],
)
def test_the_ratio_of_times_is_said_as_it_was_measured(textbook, course, sentence):
    ways = {"textbook": outcome(history(*textbook)), "course": outcome(history(*course))}
    assert comparison(ways, 0.994).startswith(sentence)


def test_the_course_way_is_the_recipe(tmp_path):
    train, valid = load("MNIST", "train").split(RECIPE.valid_fraction, seed=0)
    accuracies = [row["accuracy"] for row in course_epochs(RECIPE, train, valid)]
    assert accuracies == [row["valid_accuracy"] for row in run_seed(RECIPE, 0, tmp_path)["history"]]


@pytest.mark.slow
def test_the_textbook_way_learns():
    images = load("MNIST", "train")
    rows = list(textbook_epochs(images, images.subset(slice(500)), epochs=6, workers=0))
    assert len(rows) == 6
    assert rows[-1]["accuracy"] > 0.6
    assert all(0 < row["seconds"] < 100 for row in rows)


def test_ctrl_c_stops_the_course_way(monkeypatch):
    def stop(loader):
        raise KeyboardInterrupt
        yield

    train, valid = load("MNIST", "train").split(0.25, seed=0)
    epochs = course_epochs(RECIPE, train, valid)
    monkeypatch.setattr(Loader, "__iter__", stop)
    with pytest.raises(KeyboardInterrupt):
        next(epochs)


def test_a_race():
    result = measure(RECIPE, level=0.05, workers=0)
    assert (result["train"], result["valid"]) == (1600, 400)
    assert [len(rows) for rows in result["histories"].values()] == [1, 1]
    assert {name: way["epochs"] for name, way in result["ways"].items()} == {"textbook": 1, "course": 1}
    assert "more than" not in result["comparison"]


@pytest.mark.slow
def test_where_time_goes():
    result = where_time_goes.measure(replace(RECIPE, batch_size=100), number=2)
    bernoulli = result["operators"]["aten::bernoulli_"]
    assert bernoulli["textbook"] > 0.05
    assert bernoulli["course"] == 0
    for way in ("textbook", "course"):
        assert 0.5 < sum(row[way] for row in result["operators"].values()) <= 1
        assert 0 < result["steps"][way]["loading_share"] < 1
    assert result["seeds"]["ratio"] > 0
