"""What pip installs: nothing that changes Colab, the pinned versions elsewhere, and all that a lone notebook needs."""

import ast
import re
import tomllib
import zipfile
from email.parser import BytesParser
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
COLAB_PYTHON = "3.13"


def pins(*files):
    """Name and version of each name==version line."""
    lines = [line for file in files for line in file.read_text(encoding="utf8").splitlines()]
    found = [re.fullmatch(r"([\w.-]+)==([\w.+]+)(?:\s*#.*)?", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


COLAB = pins(ROOT / "tests/support/colab_packages.txt")
DISTRIBUTIONS = packages_distributions()
PINNED = pins(ROOT / "requirements.txt", ROOT / "constraints.txt")
REQUIREMENTS = [
    Requirement(line)
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]["dependencies"]
]


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return BytesParser().parsebytes(archive.read(name))


def test_installing_on_colab_changes_no_other_package(metadata):
    """Pip leaves an installed package alone where its version satisfies the requirement. What these packages need in
    turn is on Colab too: they are installed there.
    """
    assert SpecifierSet(metadata["Requires-Python"]).contains(COLAB_PYTHON)
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    assert sorted(requirement.name for requirement in requirements) == sorted(
        requirement.name for requirement in REQUIREMENTS
    )
    unsatisfied = [
        f"{requirement}: Colab has {COLAB.get(canonicalize_name(requirement.name), 'none')}"
        for requirement in requirements
        if not requirement.specifier.contains(COLAB.get(canonicalize_name(requirement.name), "0"))
    ]
    assert unsatisfied == []


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_pinned_version_satisfies_the_library(requirement):
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


def test_every_line_is_pinned_once():
    lines = [
        line.split("#")[0].strip()
        for name in ("requirements.txt", "constraints.txt")
        for line in (ROOT / name).read_text(encoding="utf8").splitlines()
    ]
    lines = [line for line in lines if line]
    assert [line for line in lines if "==" not in line] == ["-c constraints.txt", "-e ."]
    assert len([line for line in lines if "==" in line]) == len(PINNED)


def imported(source):
    """The top-level modules that Python code imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def code(path):
    if path.suffix == ".py":
        return path.read_text(encoding="utf8")
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", "\n".join(cells), flags=re.M)


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "cnncourse").rglob("*.py")), *sorted((ROOT / "notebooks").glob("*.ipynb"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_import_is_declared(path):
    """So that neither the library nor a notebook opened alone misses a package."""
    declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS} | {"cnncourse"}
    modules = set(imported(code(path))) - stdlib_module_names - {"cnncourse", "IPython"}
    undeclared = [name for name in modules if not declared & set(map(canonicalize_name, DISTRIBUTIONS.get(name, [])))]
    assert undeclared == []


def test_wheel_has_library_sample_and_results_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name: archive.read(name) for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")
        }
    folders = {
        "cnncourse": "cnncourse",
        "data/sample": "cnncourse/_files/sample",
        "results/recipes": "cnncourse/_files/recipes",
        "results/handwriting": "cnncourse/_files/handwriting",
    }
    wanted = {
        f"{target}/{path.relative_to(ROOT / folder).as_posix()}": path.read_bytes()
        for folder, target in folders.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", ".runs"} & set(path.parts)
    }
    assert packed.keys() == wanted.keys()
    assert packed == wanted
    for name in ("MNIST", "FashionMNIST", "CIFAR10"):
        assert f"cnncourse/_files/sample/{name}.npz" in packed


def test_wheel_is_small(wheel):
    assert wheel.stat().st_size < 16_000_000  # under 10 MB of sample, and 5 MB of weights
