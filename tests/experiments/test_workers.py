"""A recipe runs over seeds wherever it was defined, with the same numbers: side by side, or in one process."""

import importlib
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from functools import partial

import nbformat
import pytest
import torch
from torch import nn

from cnncourse.data import load
from cnncourse.experiments import Recipe, load_results, run, run_seed, trained
from cnncourse.experiments._workers import InThisProcess
from cnncourse.models import SeminarMLP
from cnncourse.train import predict

RECIPE = Recipe(data="MNIST", model=SeminarMLP, batch_size=800, epochs=1, optimizer=partial(torch.optim.SGD, lr=0.1))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")


@pytest.fixture
def one_core(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def numbers(result) -> list:
    """What must not depend on where a run ran."""
    rows = [[{**epoch, "seconds": 0} for epoch in run["history"]] for run in result["runs"]]
    return [[run["seed"], row, run["test"]] for run, row in zip(result["runs"], rows, strict=True)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Two seeds of the recipe, each run with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNCOURSE_QUICK", "1")
        rows = [run_seed(RECIPE, seed, tmp_path_factory.mktemp("seed")) for seed in (0, 1)]
    torch.set_num_threads(threads)
    return numbers({"runs": rows})


PARTS = """
    import os
    os.cpu_count = lambda: 2
    from functools import partial
    from pathlib import Path
    import torch
    from torch import nn
    from cnncourse.experiments import Recipe, run
    from cnncourse.models import SeminarMLP

    def train(model=SeminarMLP, optimizer=partial(torch.optim.SGD, lr=0.1), seeds=2):
        recipe = Recipe(data="MNIST", model=model, batch_size=800, epochs=1, optimizer=optimizer)
        run("own", recipe, seeds, Path("results"))

    class Own(SeminarMLP):
        pass

    class Noise(nn.Module):
        pass
"""
HERE = "The seeds run one after the other, in this process: "
GUARD = 'others would begin by running this script; put its last part under `if __name__ == "__main__":`.'
DEFINED = "a part of the recipe is defined here, not in a module that others can import."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "call", "said"),
    [
        ("script", "train()", GUARD),
        ("script", "train(Own)", GUARD),
        ("script", "train(Own, seeds=1)", ""),
        ("script", "if __name__ == '__main__': train(Own)", ""),
        ("script", "if __name__ == '__main__': train(lambda: Own())", "the recipe can't be sent to another one ("),
        ("cell", "train()", ""),
        ("cell", "train(Own)", DEFINED),
        ("cell", "train(partial(Own))", DEFINED),
        ("cell", "train(lambda: Own())", "the recipe can't be sent to another one ("),
        ("cell", "train(optimizer=lambda parts: torch.optim.SGD(parts, lr=0.1))", "the recipe can't be sent"),
        ("input", "train()", GUARD),
    ],
)
def test_a_recipe_runs_wherever_it_is_defined(tmp_path, expected, how, call, said):
    """In a script, in what has no file like a notebook's cells, and in code from the standard input."""
    code = textwrap.dedent(PARTS) + call
    (tmp_path / "script.py").write_text(code)
    arguments = {"script": ["script.py"], "cell": ["-c", code], "input": ["-"]}[how]
    options = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300, "input": code}
    done = subprocess.run([sys.executable, "-W", "error", *arguments], **options)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith(HERE)]
    assert [line.removeprefix(HERE)[: len(said)] for line in told] == ([said] if said else [])
    result = load_results("own", tmp_path / "results")
    assert numbers(result) == expected[: len(result["runs"])]


@pytest.mark.slow
def test_a_recipe_of_a_notebook_runs_over_seeds(tmp_path, expected):
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(textwrap.dedent(PARTS)), nbformat.v4.new_code_cell("train(Own)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    printed = "".join(output.get("text", "") for output in notebook.cells[1].outputs)
    assert HERE + DEFINED in printed
    assert numbers(load_results("own", tmp_path / "results")) == expected


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the reader's own, in a folder that other processes know too, and import it."""

    def write(code):
        (tmp_path / "own_module.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "own_module", raising=False)
        return importlib.import_module("own_module")

    yield write
    sys.modules.pop("own_module", None)


OWN_NETWORK = """
    from cnncourse.models import SeminarMLP

    class Own(SeminarMLP):
        pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("found", [True, False])
def test_a_recipe_of_a_module(tmp_path, expected, module, monkeypatch, capsys, found):
    """Also of one that other processes do not find."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    own = module(OWN_NETWORK)
    if not found:
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    result = run("own", replace(RECIPE, model=own.Own), seeds=2, folder=tmp_path)
    told = f"{HERE}another process can't load the recipe (No module named 'own_module')." in capsys.readouterr().out
    assert told is not found
    assert numbers(result) == expected
    assert result["settings"]["model"] == "own_module.Own"


def test_a_run_in_this_process_leaves_its_threads_and_random_state(tmp_path, one_core, expected):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(7)
    following = torch.rand(3)
    torch.manual_seed(7)
    before = dict(os.environ)
    try:
        assert numbers(run("own", RECIPE, 2, tmp_path)) == expected
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.rand(3), following)
        assert dict(os.environ) == before
    finally:
        torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, "", "0"])
def test_processes_show_no_bars_and_this_one_keeps_its_own_choice(tmp_path, monkeypatch, value):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    if value is not None:
        monkeypatch.setenv("TQDM_DISABLE", value)
    run("own", RECIPE, 2, tmp_path)
    assert os.environ.get("TQDM_DISABLE") == value


@pytest.mark.slow
def test_two_runs_of_one_recipe_at_once_lose_nothing(tmp_path, expected):
    """Both begin with the same seeds, one of them goes further; of a seed that both ran one row stays."""
    ends = ["if __name__ == '__main__': train(seeds=2)", "if __name__ == '__main__': train(seeds=3)"]
    runs = []
    for number, end in enumerate(ends):
        script = tmp_path / f"script{number}.py"
        script.write_text(textwrap.dedent(PARTS) + end)
        runs.append(subprocess.Popen([sys.executable, script], cwd=tmp_path, stdout=subprocess.DEVNULL))
    assert [process.wait(timeout=300) for process in runs] == [0, 0]
    result = load_results("own", tmp_path / "results")
    assert [run["seed"] for run in result["runs"]] == [0, 1, 2]
    assert numbers(result)[:2] == expected
    torch.load(tmp_path / "results" / "weights" / "own.pt", weights_only=True)  # whole
    assert list(tmp_path.glob("results/.runs/*/*.part")) == []


def test_an_error_in_this_process_is_the_futures():
    with InThisProcess() as pool:
        assert pool.submit(max, [1, 3, 2]).result() == 3
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()
        with pytest.raises(KeyboardInterrupt):  # Ctrl-C is not kept for later
            pool.submit(interrupt)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_process_that_is_ended_from_outside_is_told(tmp_path, module, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    end = module("import os\ndef end(parameters): os._exit(9)").end  # as the system does where memory is short
    with pytest.raises(ChildProcessError, match=r"ended from outside, .* The finished epochs are kept: run the recipe"):
        run("own", replace(RECIPE, optimizer=end), 2, tmp_path)


def sets(number=300):
    train, test = load("MNIST", "train"), load("MNIST", "test")
    return (
        replace(train.subset(slice(number)), name="mine", mean=(0.2,), std=(0.5,)),
        replace(test.subset(slice(100)), name="mine"),
    )


@pytest.mark.parametrize("data", [sets, sets(), lambda: sets()], ids=["function", "pair", "lambda"])
def test_own_images_run_over_seeds(tmp_path, one_core, data):
    recipe = replace(RECIPE, data=data, epochs=2, batch_size=40)
    result = run("mine", recipe, 2, tmp_path)
    train, test = result["settings"]["data"]
    assert train.startswith("mine(train, [300, 1, 28, 28], 10 classes, ")
    assert test.startswith("mine(test, [100, 1, 28, 28], 10 classes, ")
    assert json.loads((tmp_path / "mine.json").read_text()) == result
    assert result["runs"][0]["test"]["accuracy"] > 0.3
    with pytest.raises(ValueError, match="written with other settings: data was "):
        run("mine", replace(recipe, data=sets(299)), 3, tmp_path)

    model = trained("mine", tmp_path, recipe=recipe)
    assert model.preprocessing == train_preprocessing()
    images = model.preprocessing.normalise(sets()[1].images)
    right = (predict(model, images).argmax(1) == sets()[1].labels).float().mean()
    assert right == pytest.approx(result["runs"][0]["test"]["accuracy"])


def train_preprocessing():
    return sets()[0].preprocessing


@pytest.mark.slow
def test_own_images_travel_to_other_processes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    recipe = replace(RECIPE, data=sets(), batch_size=40)
    side_by_side = run("mine", recipe, 2, tmp_path / "2")
    assert HERE not in capsys.readouterr().out
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert numbers(run("mine", recipe, 2, tmp_path / "1")) == numbers(side_by_side)


def test_own_images_are_resized_with_their_preprocessing():
    recipe = replace(RECIPE, data=sets, image_size=32)
    train, test = recipe.images()
    assert (train.images.shape, test.images.shape) == ((300, 1, 32, 32), (100, 1, 32, 32))
    assert test.mean == train.mean == (0.2,)  # the test images are normalised as the network knows it
    assert recipe.preprocessing.size == (32, 32)


@pytest.mark.parametrize("image_size", [None, 32])
@pytest.mark.parametrize("data", ["MNIST", "FashionMNIST", "CIFAR10"])
def test_preprocessing_is_that_of_the_images(data, image_size):
    recipe = replace(RECIPE, data=data, image_size=image_size, model=nn.Identity)  # knows no shape of its own
    assert recipe.preprocessing == recipe.images()[0].preprocessing


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, "own data are two ImageSets"),
        ((1, 2), "own data are two ImageSets"),
        (sets()[0], "own data are two ImageSets"),
        (lambda: sets()[0], "own data are two ImageSets"),
        (lambda: (*sets(), sets()[0]), "own data are two ImageSets"),
        (lambda: (sets()[0], replace(sets()[1], classes=tuple("1023456789"))), "must be the same, in the same order"),
        (lambda: (sets()[0], sets()[1].resize(30)), r"same shape, not \[1, 28, 28\] and \[1, 30, 30\]"),
    ],
)
def test_own_images_that_do_not_belong_together(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        run("mine", replace(RECIPE, data=data), 1, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": SeminarMLP()}, "model must make a new one for each seed: .* not 'SeminarMLP' itself"),
        (
            {"optimizer": torch.optim.SGD([nn.Parameter(torch.ones(1))])},
            "optimizer must make a new one .* 'SGD' itself",
        ),
        ({"optimizer": "SGD"}, "optimizer must make a new one for each seed"),
        ({"augment": lambda images: images}, "augment must be a tuple"),
    ],
)
def test_parts_that_are_no_makers(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, **changes)


@pytest.mark.parametrize(("name", "seeds"), [("a/b", 1), ("../a", 1), ("", 1), ("own", 0), ("own", -1)])
def test_names_and_numbers_that_are_none(tmp_path, name, seeds):
    with pytest.raises(ValueError, match=r"is none|one seed or more"):
        run(name, RECIPE, seeds, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_without_weights_or_without_a_recipe(tmp_path):
    with pytest.raises(ValueError, match=r"there is no recipe 'lenet6'. There are convnet-mnist, .*; or give your own"):
        trained("lenet6")
    with pytest.raises(FileNotFoundError, match="no weights of 'mine' are kept"):
        trained("mine", tmp_path, recipe=RECIPE)
