"""A clone has all that the course needs, and the library built from it works in any other folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import wheels

ROOT = Path(__file__).parents[2]
SEES = """
import sys

import cnncourse
from cnncourse import settings
from cnncourse.data import load
from cnncourse.experiments.recipes import RECIPES
from cnncourse.experiments.results import load_results

assert not {"torchvision", "matplotlib"} & set(sys.modules), "loaded before they are used"
assert settings.files("sample").is_relative_to(sys.argv[1])
for name in ("MNIST", "FashionMNIST", "CIFAR10"):
    for split in ("train", "test"):
        print(name, split, len(load(name, split)))
for name in RECIPES:
    print(name, len(load_results(name)["runs"]), "runs")
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What a student gets: the last commit, and nothing that lies around in this folder."""
    if not (ROOT / ".git").exists():
        pytest.skip("this folder is not a git checkout")
    folder = tmp_path_factory.mktemp("clone") / "cnncourse"
    command = ["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), folder]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


def python(code, *arguments, cwd, package):
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "CNNCOURSE_QUICK": "1",
        "CNNCOURSE_DATA": str(cwd / "no data here"),
    }
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("kind", ["clone", "wheel"])
def test_sample_and_results_come_along(kind, clone, tmp_path):
    package = clone if kind == "clone" else wheels.install(wheels.build(clone, tmp_path), tmp_path / "installed")
    result = python(SEES, package, cwd=tmp_path, package=package)
    assert result.returncode == 0, result.stderr


def test_clone_has_every_file_that_the_commands_need(clone):
    for name in ["Makefile", ".ci/run", "requirements.txt", "constraints.txt", "_config.yml", "_toc.yml", "index.md"]:
        assert (clone / name).is_file(), name
    assert os.access(clone / ".ci/run", os.X_OK)


def test_clone_is_small(clone):
    size = sum(path.stat().st_size for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts)
    assert size < 25_000_000
