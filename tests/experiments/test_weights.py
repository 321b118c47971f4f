"""The weights that come with the course are those of the runs that the result files tell of."""

import pytest
import torch

from cnncourse import settings
from cnncourse.data import Loader
from cnncourse.experiments import RECIPES, load_results, trained, weights_file
from cnncourse.experiments.results import LARGEST_WEIGHTS
from cnncourse.train import evaluate

NAMES = sorted(path.stem for path in (settings.files("recipes") / "weights").glob("*.pt"))


def recorded(name: str) -> float:
    [run] = [run for run in load_results(name)["runs"] if run["seed"] == 0]
    return run["test"]["accuracy"]


def measured(name: str) -> float:
    _, test = RECIPES[name].images()
    model = trained(name)
    assert model.preprocessing == test.preprocessing
    assert not model.training
    return evaluate(model, Loader(test, 1000)).accuracy


def test_the_seminar_and_its_studies_come_with_weights():
    assert {"seminar-cnn", "seminar-mlp-corrupted", "cifarnet-batchnorm", "cifarnet-best"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small_and_nothing_but_tensors_and_plain_values(name):
    assert weights_file(name).stat().st_size <= LARGEST_WEIGHTS
    state = torch.load(weights_file(name), weights_only=True)
    assert state.keys() == RECIPES[name].model().state_dict().keys()
    assert all(tensor.isfinite().all() for tensor in state.values() if isinstance(tensor, torch.Tensor))


@pytest.mark.parametrize("name", NAMES)
def test_weights_do_on_the_sample_about_as_well_as_recorded(name, monkeypatch):
    """The sample has 500 test images; three standard errors of such a measurement, and half a per cent, are allowed."""
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    expected = recorded(name)
    assert measured(name) == pytest.approx(expected, abs=3 * (expected * (1 - expected) / 500) ** 0.5 + 0.005)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_weights_do_on_the_test_split_what_is_recorded(name):
    if not (settings.data_dir() / f"{RECIPES[name].data}-test.npz").exists():
        pytest.skip("the full data set is not here; `make data` fetches it")
    assert measured(name) == pytest.approx(recorded(name), abs=0.0003)  # another processor may round another way
