"""The benchmark that measures `fit` by the floor, and what an import and a training cost."""

import json
import sys

import pytest
import torch

from benchmarks.speed import CASES, LIGHT_MODULES, import_seconds, in_new_process, measure
from benchmarks.timing import write
from cnncourse import settings


def test_ratios_to_the_floor(monkeypatch):
    monkeypatch.setenv("CNNCOURSE_QUICK", "1")
    for case in CASES.values():
        ratios = measure(case._replace(batch_size=8, steps=2), rounds=1)
        assert list(ratios) == ["course", "augmented"]
        assert all(0 < ratio["least"] <= ratio["median"] <= ratio["most"] for ratio in ratios.values())


def test_import_is_counted_beyond_that_of_torch():
    assert 0 < import_seconds(1) < 30


def test_light_modules_load_nothing_heavy():
    heavy = ["torchvision", "matplotlib", "PIL", "scipy", "pandas", "sklearn", "IPython", "anywidget", "torchsummary"]
    code = f"import sys, torch; before = set(sys.modules); import cnncourse, {LIGHT_MODULES}; "
    assert in_new_process(f"{code}print(len((set(sys.modules) - before) & set({heavy})))") == 0


@pytest.mark.parametrize("quick", ["1", "0"])
def test_results_of_the_sample_do_not_go_among_the_courses_own(quick, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CNNCOURSE_QUICK", quick)
    monkeypatch.setattr(settings, "files", lambda name: tmp_path / name)
    write("speed", {"import_seconds": 0.1})
    assert json.loads(capsys.readouterr().out)["import_seconds"] == 0.1
    assert (tmp_path / "benchmarks" / "speed.json").is_file() == (quick == "0")
    if quick == "0":
        result = json.loads((tmp_path / "benchmarks" / "speed.json").read_text())
        assert result["threads"] == torch.get_num_threads()
        assert result["environment"]["python"] == sys.version.split()[0]
