"""Extra images come to the training part, and to no other."""

import os
import pickle
from dataclasses import replace
from functools import partial

import pytest
import torch

from cnncourse.data import ImageSet, load
from cnncourse.experiments import Recipe, load_results, run, run_seed, runs
from cnncourse.models import SeminarMLP
from cnncourse.train import History


def grey(number, size=28, classes="0123456789", split_name="train", level=7):
    """Images of one grey, whose labels take turns."""
    images = torch.full((number, 1, size, size), level, dtype=torch.uint8)
    labels = torch.arange(number) % len(classes)
    return ImageSet(images, labels, tuple(classes), mean=(0.9,), std=(3.0,), split_name=split_name)


def own():
    """The reader's own images: 300 for training, 100 for the test."""
    return load("MNIST", "train").subset(slice(300)), load("MNIST", "test").subset(slice(100))


RECIPE = Recipe(data=own, model=SeminarMLP, batch_size=50, epochs=1, optimizer=partial(torch.optim.SGD, lr=0.1))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def loaders(recipe, tmp_path, monkeypatch):
    """The loaders of a run: for training, for validation, for the test."""
    seen = []

    def fit(model, train, valid, **options):
        seen.extend([train, valid])
        return History([{}] * recipe.epochs)

    def evaluate(model, loader):
        seen.append(loader)
        return runs.Corruption("", 0, ())  # anything that becomes a dict

    monkeypatch.setattr(runs, "fit", fit)

    def confidence(model, loader, labels):
        assert torch.equal(labels, loader.dataset.labels)
        return {}

    monkeypatch.setattr(runs, "evaluate", evaluate)
    monkeypatch.setattr(runs, "_confidence", confidence)
    run_seed(recipe, 0, tmp_path)
    return seen


def test_extra_images_stand_behind_the_training_part_alone(tmp_path, monkeypatch):
    plain = loaders(RECIPE, tmp_path, monkeypatch)
    recipe = replace(RECIPE, extra=(partial(grey, 30), partial(grey, 5, level=9)))
    train, *others = loaders(recipe, tmp_path, monkeypatch)
    assert len(plain[0].dataset) == 240
    assert len(train.dataset) == 275
    assert len(train) == 6
    assert torch.equal(train.dataset.images[:240], plain[0].dataset.images)
    assert torch.equal(train.dataset.labels[:240], plain[0].dataset.labels)
    assert train.dataset.images[240:, 0, 0, 0].tolist() == [7] * 30 + [9] * 5
    assert train.dataset.labels[240:].tolist() == 3 * list(range(10)) + list(range(5))
    for other, before in zip(others, plain[1:], strict=True):
        assert torch.equal(other.dataset.images, before.dataset.images)


def test_they_are_prepared_as_the_data_are(tmp_path, monkeypatch):
    recipe = replace(RECIPE, extra=(partial(grey, 30, size=20),), image_size=32)
    train, *_ = loaders(recipe, tmp_path, monkeypatch)
    assert train.dataset.preprocessing == recipe.preprocessing == replace(RECIPE, image_size=32).preprocessing
    assert train.dataset.images.shape == (270, 1, 32, 32)


def test_quick_mode_takes_as_small_a_share_of_them(tmp_path, monkeypatch):
    recipe = replace(RECIPE, data="MNIST", extra=(partial(grey, 3000), partial(grey, 2)))
    train, *_ = loaders(recipe, tmp_path, monkeypatch)
    assert len(train.dataset) == 1600 + 3000 // 30 + 1
    assert len(train.dataset.labels[1600:-1].unique()) == 10, "those of all classes, whatever their order"


def test_settings_tell_of_them_and_say_nothing_where_there_are_none():
    assert "extra" not in RECIPE.settings()
    recipe = replace(RECIPE, extra=(partial(load, "MNIST", "train"), partial(torch.nn.functional.pad, torch.ones(2))))
    assert recipe.settings()["extra"] == ["load('MNIST', 'train')", "pad(Tensor([1.0, 1.0]))"]


def test_results_with_and_without_them_are_not_mixed(tmp_path):
    extra = replace(RECIPE, extra=(partial(grey, 30),))
    result = run("with", extra, 1, tmp_path)
    assert result == load_results("with", tmp_path)
    assert result["settings"]["extra"][0].endswith("grey(30)")
    assert result["runs"][0]["test"]["accuracy"] > 0.2
    run("without", RECIPE, 1, tmp_path)
    with pytest.raises(ValueError, match=r"other settings: extra was \['.*grey\(30\)'\], now it is None\."):
        run("with", RECIPE, 2, tmp_path)
    with pytest.raises(ValueError, match=r"other settings: extra was None, now it is \['.*grey\(30\)'\]\."):
        run("without", extra, 2, tmp_path)
    with pytest.raises(ValueError, match=r"extra was \['.*grey\(30\)'\], now it is \['.*grey\(31\)'\]\."):
        run("with", replace(RECIPE, extra=(partial(grey, 31),)), 2, tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(grey, 10, classes="abc"), "function 2 have the classes a, b, c, the data 0, 1, 2"),
        (partial(grey, 10, classes="1023456789"), "the same, in the same order"),
        (partial(grey, 10, size=20), "the images of function 2 are 1×20×20, those of the data 1×28×28"),
        (partial(grey, 10, split_name="test"), "function 2 gives images of the test split"),
        (partial(grey, 10, split_name="valid"), "function 2 gives images of the valid split"),
        (partial(torch.zeros, 10, 1, 28, 28), "function 2 must give an ImageSet, not 'Tensor'"),
        (own, "function 2 must give an ImageSet, not 'tuple'"),
    ],
)
def test_images_that_do_not_fit_are_refused(tmp_path, make, message):
    with pytest.raises(ValueError, match=f"^extra: .*{message}"):
        run("own", replace(RECIPE, extra=(partial(grey, 10), make)), 1, tmp_path)
    assert not (tmp_path / "own.json").exists()


@pytest.mark.parametrize(
    ("extra", "message"), [(grey, "extra must be a tuple"), ((grey(3),), "functions that give images, not 'ImageSet'")]
)
def test_what_is_no_tuple_of_functions_is_refused(extra, message):
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, extra=extra)


@pytest.mark.slow
def test_they_travel_to_other_processes(tmp_path, monkeypatch, capsys):
    recipe = replace(RECIPE, data=own(), extra=(partial(load, "MNIST", "train"),))  # what other processes find
    assert pickle.loads(pickle.dumps(recipe)).settings() == recipe.settings()
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side_by_side = run("own", recipe, 2, tmp_path / "2")
    assert "one after the other" not in capsys.readouterr().out
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    one_by_one = run("own", recipe, 2, tmp_path / "1")
    assert [each["test"] for each in side_by_side["runs"]] == [each["test"] for each in one_by_one["runs"]]
