"""The benchmark that asks how long a training takes to a level of accuracy."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import time_to_accuracy
import torch
from time_to_accuracy import compare, once, race, time_to
from ways import PilImages, course_epoch, textbook_epoch

from cnncourse.augment import random_affine
from cnncourse.data import Loader, load
from cnncourse.experiments.recipes import one_cycle
from cnncourse.experiments.runs import Recipe, run_seed
from cnncourse.models import DigitNet

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "time_to_accuracy.py"
RECIPE = Recipe(
    data="MNIST",
    model=partial(DigitNet, DigitNet.SKELETON),
    batch_size=200,
    epochs=2,
    optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    scheduler=partial(one_cycle, max_lr=0.1),
    augment=(partial(random_affine, degrees=10),),
)


def history(*accuracies):
    return [{"epoch": i, "valid_accuracy": value, "seconds": 10} for i, value in enumerate(accuracies, start=1)]


def without_seconds(histories):
    return {
        name: [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
        for name, rows in histories.items()
    }


@pytest.fixture
def ways(monkeypatch):
    """Both ways to train on a part of the bundled sample, two epochs each."""
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    train, valid = load("MNIST", "train").subset(slice(400)).split(0.25, seed=0)
    textbook = partial(textbook_epoch, PilImages(train, augment=True), PilImages(valid, augment=False), 2, 0)
    return {"textbook": (2, textbook), "course": (2, partial(course_epoch, RECIPE, train, valid))}


def test_time_to_the_first_epoch_at_the_level():
    assert time_to(history(0.98, 0.994, 0.99, 0.995), 0.994) == {"reached": True, "epoch": 2, "seconds": 20}
    assert time_to(history(0.98, 0.9939), 0.994) == {"reached": False, "epoch": 2, "seconds": 20}
    assert time_to(history(11_927 / 12_000, 11_928 / 12_000), 0.994)["epoch"] == 2
    assert time_to([], 0.994)["reached"] is False


def test_the_ratio_is_a_lower_bound_where_the_textbook_way_does_not_arrive():
    fast, slow, never = history(0.995), history(0.98, 0.99, 0.995), history(0.98, 0.99)
    assert compare({"textbook": slow, "course": fast}, 0.994)["ratio"] == 3
    assert not compare({"textbook": slow, "course": fast}, 0.994)["lower_bound"]
    arrived = compare({"textbook": never, "course": fast}, 0.994)
    assert (arrived["ratio"], arrived["lower_bound"]) == (2, True)
    assert compare({"textbook": slow, "course": never}, 0.994)["ratio"] is None


def test_ways_take_turns_and_stop_at_the_level(tmp_path):
    trained = []

    def way(name, *accuracies):
        def train_epoch(epoch, checkpoint):
            trained.append(f"{name} {epoch}")
            return history(*accuracies[:epoch])

        return len(accuracies), train_epoch

    histories = race({"textbook": way("t", 0.1, 0.2, 0.3), "course": way("c", 0.5, 0.9, 0.9)}, 0.9, tmp_path)
    assert trained == ["t 1", "c 1", "t 2", "c 2", "t 3"]
    assert {name: len(rows) for name, rows in histories.items()} == {"textbook": 3, "course": 2}


@pytest.mark.parametrize("stopped", ["textbook", "course"])
def test_a_race_goes_on_where_it_was_stopped(ways, tmp_path, stopped):
    whole = race(ways, 1.1, tmp_path / "whole")

    def stop(epoch, checkpoint):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(epoch=epoch, checkpoint=checkpoint)

    _, train_epoch = ways[stopped]
    with pytest.raises(KeyboardInterrupt):
        race({**ways, stopped: (2, stop)}, 1.1, tmp_path / "parts")
    assert without_seconds(race(ways, 1.1, tmp_path / "parts")) == without_seconds(whole)


def test_the_course_way_is_the_recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    train, valid = load("MNIST", "train").split(RECIPE.valid_fraction, seed=0)
    histories = race({"course": (2, partial(course_epoch, RECIPE, train, valid))}, 1.1, tmp_path / "race")
    run = run_seed(RECIPE, 0, tmp_path / "run")
    assert without_seconds(histories) == without_seconds({"course": run["history"]})


def test_ctrl_c_stops_the_course_way(ways, tmp_path, monkeypatch):
    def stop(loader):
        raise KeyboardInterrupt

    monkeypatch.setattr(Loader, "__iter__", stop)
    with pytest.raises(KeyboardInterrupt):
        race(ways, 1.1, tmp_path)


def test_the_textbook_images_are_those_of_the_loader(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    images = load("MNIST", "train")
    batch, labels = next(iter(Loader(images, 20)))
    plain, turned = PilImages(images, augment=False), PilImages(images, augment=True)
    pairs = [plain[i] for i in range(20)]
    torch.testing.assert_close(torch.stack([image for image, _ in pairs]), batch)
    assert [label for _, label in pairs] == labels.tolist()
    assert any(not torch.equal(turned[i][0], batch[i]) for i in range(20))


def test_what_is_measured_is_kept(tmp_path):
    measured = iter([{"seconds": 1.5}])
    assert [once(tmp_path / "a.json", lambda: next(measured)) for _ in range(2)] == [{"seconds": 1.5}] * 2


def test_results_of_the_sample_do_not_go_among_the_course_s_own(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    with pytest.raises(SystemExit, match="--folder"):
        time_to_accuracy.main([])


@pytest.mark.slow
def test_the_benchmark_from_start_to_end(tmp_path):
    command = [sys.executable, BENCHMARK, "--epochs", "1", "--course-epochs", "2", "--level", "0.01"]
    environment = {**os.environ, "CNNCOURSE_QUICK": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "--folder", tmp_path / "results"], env=environment, check=True, timeout=500)
    result = json.loads((tmp_path / "results" / "time_to_accuracy.json").read_text())
    assert result["images"] == {"train": 1600, "valid": 400}
    assert result["epochs"] == {"textbook": 1, "course": 2}
    assert [len(rows) for rows in result["histories"].values()] == [1, 1]
    assert result["times"]["ratio"] > 0
    assert not result["times"]["lower_bound"]
    assert result["seeds"]["ratio"] > 0
    for step in result["steps"].values():
        assert sum(step["operators"].values()) == pytest.approx(1)
    assert "aten::bernoulli_" in result["steps"]["textbook"]["operators"]
    assert "aten::bernoulli_" not in result["steps"]["course"]["operators"]
    assert list((tmp_path / ".runs").iterdir()) == []
