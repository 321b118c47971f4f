import json
import os
import pickle
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse import settings
from cnncourse.analysis import fit_temperature
from cnncourse.augment import random_crop, random_flip, random_noise
from cnncourse.checkpoint import load_weights
from cnncourse.data import Loader, load
from cnncourse.data._sources import SourceError
from cnncourse.experiments import __main__ as command
from cnncourse.experiments import results as results_module
from cnncourse.experiments import runs
from cnncourse.experiments.__main__ import main
from cnncourse.experiments.recipes import RECIPES, one_cycle, trained
from cnncourse.experiments.results import load_results, weights_file
from cnncourse.experiments.runs import Corruption, Recipe, environment, run, run_seed
from cnncourse.models import ConvNet, LeNet5
from cnncourse.train import History, evaluate, predict

TINY = Recipe(
    data="MNIST",
    image_size=32,
    model=partial(LeNet5, pool=nn.MaxPool2d),
    batch_size=400,
    epochs=3,
    optimizer=partial(torch.optim.Adam, lr=0.003),
    augment=(partial(random_crop, padding=1),),
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """On the bundled sample, one thread, and one run after the other in this process, as on a machine of one core."""
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def without_seconds(row: dict) -> dict:
    epochs = [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in row["history"]]
    return {**row, "history": epochs}


def files(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_recipes_are_those_of_the_documents():
    first, tanh, relu = (RECIPES[name] for name in ("convnet-mnist", "lenet5-tanh-avg", "lenet5-relu-max"))
    assert (first.data, first.model, first.batch_size, first.epochs) == ("MNIST", ConvNet, 64, 7)
    assert first.settings()["optimizer"] == "SGD(lr=0.01)"
    for recipe in (tanh, relu):
        assert (recipe.data, recipe.batch_size, recipe.epochs) == ("FashionMNIST", 512, 25)
        assert (recipe.image_size, recipe.valid_fraction) == (32, 0.2)
    differences = [key for key, value in tanh.settings().items() if relu.settings()[key] != value]
    assert differences == ["model"]
    assert relu.settings()["model"] == "LeNet5(pool=MaxPool2d, activation=ReLU)"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_travels_to_another_process_and_into_a_file(name):
    described = RECIPES[name].settings()
    assert pickle.loads(pickle.dumps(RECIPES[name])).settings() == described
    assert json.loads(json.dumps(described)) == described


def test_every_recipe_has_its_results_and_every_result_its_recipe():
    assert {path.stem for path in settings.files("recipes").glob("*.json")} == RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_the_results_of_the_course_are_those_of_its_recipes(name):
    result, recipe = load_results(name), RECIPES[name]
    assert result["recipe"] == name
    assert result["settings"] == recipe.settings()
    assert result["parameters"] == sum(parameter.numel() for parameter in recipe.model().parameters())
    assert [row["seed"] for row in result["runs"]] == list(range(len(result["runs"])))
    for row in result["runs"]:
        assert row["environment"].keys() == environment().keys()
        assert [epoch["epoch"] for epoch in row["history"]] == list(range(1, recipe.epochs + 1))


def test_settings_describe_functions_and_their_arguments():
    recipe = Recipe(
        data="MNIST",
        model=LeNet5,
        batch_size=4,
        epochs=1,
        optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
        scheduler=partial(one_cycle, max_lr=0.1),
        loss_function=partial(F.cross_entropy, label_smoothing=0.1),
        augment=(random_flip, partial(random_crop, padding=2), partial(random_crop, 3)),
    )
    assert recipe.settings() == {
        "data": "MNIST",
        "model": "LeNet5",
        "batch_size": 4,
        "epochs": 1,
        "optimizer": "SGD(lr=0.1, momentum=0.9)",
        "scheduler": "one_cycle(max_lr=0.1)",
        "loss_function": "cross_entropy(label_smoothing=0.1)",
        "augment": ["random_flip", "random_crop(padding=2)", "random_crop(3)"],
        "image_size": None,
        "valid_fraction": 0.2,
        "corruptions": [],
    }


def test_a_run_is_repeated_by_its_seed(tmp_path):
    rows = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        rows.append(without_seconds(run_seed(TINY, seed, folder)))
    assert rows[0] == rows[1]
    assert rows[0]["history"] != rows[2]["history"]


def test_a_trained_network_carries_along_how_far_it_can_be_believed(tmp_path):
    row = run("tiny", TINY, 1, tmp_path)["runs"][0]
    model = trained("tiny", tmp_path, recipe=TINY)
    assert (model.temperature, model.sure) == (row["temperature"], row["sure"])
    _, valid = TINY.images()[0].split(TINY.valid_fraction, seed=0)
    logits = predict(model, Loader(valid, 500)).log() / model.temperature
    unsure = (logits.softmax(dim=1).amax(dim=1) < model.sure).double().mean().item()
    assert unsure == pytest.approx(0.01, abs=1 / len(valid))
    assert abs(fit_temperature(logits, valid.labels) - 1) < 0.01


def test_networks_of_runs_from_before_there_were_temperatures():
    model = trained("digitnet-best")
    assert (model.temperature, model.sure) == (1, 0)


def test_a_run_measures_the_last_model_on_the_test_split(tmp_path):
    row = run_seed(TINY, 0, tmp_path)
    assert list(row) == ["seed", "environment", "history", "temperature", "sure", "test"]
    assert row["environment"] == environment()
    assert row["history"][-1].keys() == {
        "epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "seconds"
    }  # fmt: skip
    model = load_weights(tmp_path / "seed-0.pt", TINY.model())
    assert row["test"] == evaluate(model, Loader(load("MNIST", "test").resize(32), 1000))._asdict()
    assert row["test"]["accuracy"] > 0.3


def test_a_run_measures_the_last_model_on_each_corrupted_test_split(tmp_path):
    noise, crop = partial(random_noise, strength=0.3), partial(random_crop, padding=4)
    corruptions = (Corruption("noise", 0.3, (noise,)), Corruption("both", 1, (crop, noise)))
    recipe = replace(TINY, epochs=1, corruptions=corruptions)
    rows = [run_seed(recipe, seed, tmp_path / str(seed)) for seed in (0, 0)]
    assert rows[0]["corrupted"] == rows[1]["corrupted"]
    assert [(row["corruption"], row["amount"]) for row in rows[0]["corrupted"]] == [("noise", 0.3), ("both", 1)]
    model = load_weights(tmp_path / "0" / "seed-0.weights.pt", TINY.model())
    torch.manual_seed(0)
    by_hand = Loader(load("MNIST", "test").resize(32), 1000, augment=lambda images: noise(crop(images)))
    assert evaluate(model, by_hand)._asdict() == {key: rows[0]["corrupted"][1][key] for key in ("loss", "accuracy")}
    assert recipe.settings()["corruptions"][1] == ["both", 1, ["random_crop(padding=4)", "random_noise(strength=0.3)"]]


def test_the_weights_of_seed_0_are_kept_where_they_are_small(tmp_path, monkeypatch):
    results = tmp_path / "results"
    run("tiny", replace(TINY, epochs=1), seeds=2, folder=results)
    weights = torch.load(weights_file("tiny", results), weights_only=True)
    assert weights.keys() == TINY.model().state_dict().keys()
    row = run_seed(replace(TINY, epochs=1), 0, tmp_path)
    assert row["test"] == load_results("tiny", results)["runs"][0]["test"]
    for name, tensor in torch.load(tmp_path / "seed-0.weights.pt", weights_only=True).items():
        assert torch.equal(tensor, weights[name])

    monkeypatch.setattr(results_module, "LARGEST_WEIGHTS", 1000)
    run("large", replace(TINY, epochs=1), seeds=1, folder=results)
    with pytest.raises(FileNotFoundError, match=r"no weights of 'large' are kept. Recipes with weights: tiny\."):
        weights_file("large", results)
    assert "results/large.json" in files(tmp_path)


def test_every_seed_has_the_same_validation_part(tmp_path, monkeypatch):
    seen = []

    def fit(model, train, valid, **options):
        seen.append((train.dataset.images, valid.dataset.images))
        return History([{}] * TINY.epochs)

    monkeypatch.setattr(runs, "fit", fit)
    for seed in (0, 1):
        run_seed(TINY, seed, tmp_path)
    assert [len(images) for images in seen[0]] == [1600, 400]
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1])


def test_one_cycle_spans_all_steps_of_a_run(tmp_path):
    recipe = replace(TINY, scheduler=partial(one_cycle, max_lr=0.01))
    rates = [epoch["lr"] for epoch in run_seed(recipe, 0, tmp_path)["history"]]
    optimizer = torch.optim.Adam(LeNet5().parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=3 * 4)
    expected = []
    for step in range(12):
        if step % 4 == 0:
            expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        if step < 11:
            scheduler.step()
    assert rates == expected


class CtrlC:
    """An augmentation during which somebody presses Ctrl-C, the first time only."""

    __name__ = "nothing"

    def __init__(self, batch: int):
        self.batches_left = batch

    def __call__(self, images):
        self.batches_left -= 1
        if self.batches_left == 0:
            raise KeyboardInterrupt
        return images


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", [None, partial(one_cycle, max_lr=0.01)])
def test_a_stopped_run_goes_on_from_its_last_finished_epoch(tmp_path, capsys, scheduler):
    recipe = replace(TINY, scheduler=scheduler)
    whole = run_seed(recipe, 0, tmp_path / "whole")
    stopping = replace(recipe, augment=(*recipe.augment, CtrlC(batch=4 * 2 + 2)))
    with pytest.raises(KeyboardInterrupt):
        run_seed(stopping, 0, tmp_path / "stopped")
    capsys.readouterr()
    row = run_seed(stopping, 0, tmp_path / "stopped")
    assert without_seconds(row) == without_seconds(whole)
    assert "holds 2 of 3 epochs: going on from there" in capsys.readouterr().out


def test_a_result_file(tmp_path, capsys):
    results = tmp_path / "results"
    result = run("tiny", replace(TINY, epochs=1), seeds=2, folder=results)
    assert result == json.loads((results / "tiny.json").read_text()) == load_results("tiny", results)
    assert list(result) == ["recipe", "settings", "parameters", "runs"]
    assert result["recipe"] == "tiny"
    assert result["settings"] == {**replace(TINY, epochs=1).settings(), "data": "MNIST (bundled sample)"}
    assert result["parameters"] == 61_706
    assert [row["environment"] for row in result["runs"]] == [environment()] * 2
    assert environment().keys() == {"python", "torch", "device", "cpu", "cores"}
    assert [row["seed"] for row in result["runs"]] == [0, 1]
    [folder] = (results / ".runs").glob("tiny-*")
    assert files(folder) == ["seed-0.log", "seed-1.log"]  # what is finished needs no checkpoint
    assert "epoch train_loss" in (folder / "seed-0.log").read_text()
    assert f"tiny, seed 1: {result['runs'][1]['test']['accuracy']:.2%} of the test images" in capsys.readouterr().out


def test_only_missing_seeds_are_run(tmp_path, monkeypatch, capsys):
    recipe = replace(TINY, epochs=1)
    first = run("tiny", recipe, seeds=1, folder=tmp_path)
    begun, original = [], run_seed

    def spy(recipe, seed, folder):
        begun.append(seed)
        return original(recipe, seed, folder)

    monkeypatch.setattr(runs, "run_seed", spy)
    more = run("tiny", recipe, seeds=3, folder=tmp_path)
    assert begun == [1, 2]
    assert [row["seed"] for row in more["runs"]] == [0, 1, 2]
    assert more["runs"][0] == first["runs"][0]
    capsys.readouterr()
    assert run("tiny", recipe, seeds=2, folder=tmp_path) == more
    assert begun == [1, 2]
    assert capsys.readouterr().out == "tiny: all 2 runs are there\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 200}, "batch_size was 400, now it is 200"),
        ({"optimizer": partial(torch.optim.SGD, lr=0.1)}, r"optimizer was Adam\(lr=0.003\), now it is SGD\(lr=0.1\)"),
        ({"augment": ()}, r"augment was \['random_crop\(padding=1\)'\], now it is \[\]"),
    ],
)
def test_changed_settings_are_not_mixed(tmp_path, changes, message):
    recipe = replace(TINY, epochs=1)
    run("tiny", recipe, seeds=1, folder=tmp_path)
    before = (tmp_path / "tiny.json").read_bytes()
    with pytest.raises(ValueError, match=rf"tiny\.json was written with other settings: {message}\. Delete the file"):
        run("tiny", replace(recipe, **changes), seeds=2, folder=tmp_path)
    assert (tmp_path / "tiny.json").read_bytes() == before


def test_results_of_the_sample_and_of_the_full_data_are_not_mixed(tmp_path, monkeypatch):
    run("tiny", replace(TINY, epochs=1), seeds=1, folder=tmp_path)
    monkeypatch.delenv("CNNCOURSE_QUICK")
    with pytest.raises(ValueError, match=r"data was MNIST \(bundled sample\), now it is MNIST\."):
        run("tiny", replace(TINY, epochs=1), seeds=2, folder=tmp_path)


def test_quick_runs_stay_out_of_the_results_of_the_course():
    own = settings.files("recipes")
    before = files(own)
    for folder in (None, own, own / ".." / "recipes"):
        with pytest.raises(ValueError, match=r"CNNCOURSE_QUICK is set, .* Unset it, or choose .*: --results FOLDER"):
            run("tiny", TINY, seeds=1, folder=folder)
    assert files(own) == before


def test_a_run_that_fails_leaves_the_results_of_the_others(tmp_path, monkeypatch):
    recipe = replace(TINY, epochs=1)
    run("tiny", recipe, seeds=1, folder=tmp_path)
    before = (tmp_path / "tiny.json").read_bytes()
    monkeypatch.setattr(runs, "fit", lambda *parts, **options: raise_(FloatingPointError("the loss is nan")))
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        run("tiny", recipe, seeds=3, folder=tmp_path)
    assert (tmp_path / "tiny.json").read_bytes() == before


def raise_(error):
    raise error


def test_the_command_runs_the_named_recipes_or_all(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "run", lambda *arguments: asked.append(arguments))
    main(["run", "convnet-mnist", "--seeds", "2", "--results", str(tmp_path)])
    assert asked == [("convnet-mnist", RECIPES["convnet-mnist"], 2, tmp_path)]
    asked.clear()
    main(["run"])
    assert asked == [(name, recipe, 5, None) for name, recipe in RECIPES.items()]


def test_the_command_lists_the_recipes(tmp_path, capsys):
    (tmp_path / "convnet-mnist.json").write_text(json.dumps({"runs": [{"history": []}] * 2}))
    main(["list", "--results", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{name}: {2 if name == 'convnet-mnist' else 0} runs" for name in RECIPES]


def test_a_recipe_that_does_not_exist_runs_nothing(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "run", lambda *arguments: asked.append(arguments))
    with pytest.raises(SystemExit) as end:
        main(["run", "convnet-mnist", "lenet6"])
    assert end.value.code == f"There is no recipe 'lenet6'. There are {', '.join(RECIPES)}."
    assert asked == []


@pytest.mark.parametrize("error", [ValueError, FloatingPointError, SourceError, OSError])
def test_the_command_tells_errors_without_a_traceback(monkeypatch, error):
    monkeypatch.setattr(command, "run", lambda *arguments: raise_(error("what went wrong")))
    with pytest.raises(SystemExit) as end:
        main(["run", "convnet-mnist"])
    assert end.value.code == "convnet-mnist: what went wrong"


def test_the_commands_own_refusal_of_quick_results():
    with pytest.raises(SystemExit) as end:
        main(["run"])
    assert "CNNCOURSE_QUICK is set" in end.value.code


def test_the_module_is_a_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["recipes", "list", "--results", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "cnncourse.experiments.__main__")
    runpy.run_module("cnncourse.experiments", run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [f"{name}: 0 runs" for name in RECIPES]


# The command in a process of its own, with a recipe that a test has time for.
COMMAND = f"""
import os, pickle, sys
from cnncourse.experiments import __main__ as command, recipes
if __name__ == "__main__":
    cores = int(sys.argv.pop(1))
    os.cpu_count = lambda: cores
    recipes.RECIPES["tiny"] = pickle.loads({pickle.dumps(replace(TINY, epochs=30))!r})
    command.main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent in the way of Unix")
@pytest.mark.parametrize("cores", [1, 2])
def test_the_command_can_be_stopped_and_goes_on(tmp_path, cores):
    """With one core in the command's own process, with two side by side."""
    (tmp_path / "command.py").write_text(COMMAND)
    results, seeds = tmp_path / "results", cores + 1
    command = [sys.executable, "-W", "error", "command.py", str(cores), "run", "tiny"]
    command += [f"--seeds={seeds}", f"--results={results}"]
    pipes = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def listen():  # a test run in the background of a shell would ignore Ctrl-C, and so would what it starts
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(command, start_new_session=True, preexec_fn=listen, **pipes)
    while process.poll() is None and len(list(results.glob(".runs/*/seed-?.pt"))) < cores:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=300)
    assert errors == "Stopped. The finished epochs are kept: the same command goes on from there.\n"
    assert set(output.splitlines()) == {"Quick mode: 2,000 train images of MNIST, the bundled sample."}
    assert process.returncode == 1
    assert list(results.iterdir()) == [results / ".runs"]
    logs = sorted(path.name for path in results.glob(".runs/*/*.log"))
    assert logs == [f"seed-{seed}.log" for seed in range(cores)]  # the last did not begin

    done = subprocess.run(command, **pipes)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path in files(results) if not path.startswith(".runs")] == ["tiny.json", "weights/tiny.pt"]
    rows = load_results("tiny", results)["runs"]
    assert [row["seed"] for row in rows] == list(range(seeds))
    [log] = results.glob(".runs/*/seed-0.log")
    assert " of 30 epochs: going on from there." in log.read_text()
    in_one_go = run_seed(replace(TINY, epochs=30), 0, tmp_path)
    in_one_go["environment"] = rows[0]["environment"]  # which tells the true number of cores
    assert without_seconds(rows[0]) == without_seconds(in_one_go)
