"""Imports run one way, heavy packages load only when they are used, and notebooks import from the rooms alone."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cnncourse"
# Each row may import from the rows above it, and from its own: see the page of the house in CONTRIBUTING.md.
HOUSE = [
    {"settings", "_text", "_files", "_model", "_weight_files", "_training_state"},
    {"data", "models", "augment", "plots", "exercises", "quiz", "_batches", "_checks", "_memory"},
    {"analysis", "train", "checkpoint", "handwriting"},
    {"experiments"},
    {"pad"},
]
FLOOR = {room: floor for floor, rooms in enumerate(HOUSE) for room in rooms}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def imported(source: str) -> set[str]:
    """The modules and names that Python code imports, in any place of it, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == FLOOR.keys()


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_run_one_way(path):
    names = imported((PACKAGE / path).read_text(encoding="utf8"))
    rooms = {name.split(".")[1] for name in names if name.startswith("cnncourse.")}
    above = [room for room in rooms & FLOOR.keys() if FLOOR[room] > FLOOR[room_of(path)]]
    assert above == []


def test_the_page_for_contributors_lists_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    assert [room for room in FLOOR if f"`{room}`" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("room", ["data", "models", "augment", "train", "checkpoint", "analysis", "handwriting"])
def test_no_circle(room):
    """Any room can be the first that is imported."""
    subprocess.run([sys.executable, "-c", f"import cnncourse.{room}"], check=True)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_one_module_imports_torchvision(path):
    """Elsewhere a torchvision that was built for another torch could not be imported."""
    names = {name.split(".")[0] for name in imported((PACKAGE / path).read_text(encoding="utf8"))}
    assert ("torchvision" in names) == (path == Path("data/torchvision.py"))


def test_torchvision_matplotlib_and_scikit_learn_load_only_when_used():
    code = (
        "import sys\n"
        "import cnncourse.data, cnncourse.models, cnncourse.augment, cnncourse.train, cnncourse.checkpoint\n"
        "import cnncourse.analysis, cnncourse.experiments\n"
        "heavy = {'torchvision', 'matplotlib', 'sklearn', 'scipy', 'pandas', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_imports_nothing_of_its_modules():
    assert imported((PACKAGE / "__init__.py").read_text(encoding="utf8")) == set()


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_settings_reads_environment_variables(path):
    text = (PACKAGE / path).read_text(encoding="utf8")
    reads = [word for word in ("os.environ.get", "os.getenv", "in os.environ") if word in text]
    assert bool(reads) == (path == Path("settings.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_from_rooms_only(path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    code = re.sub(r"^(\s*)[%!].*$", r"\1pass", "\n".join(cells), flags=re.M)
    modules = {name for name in imported(code) if name.startswith("cnncourse")}
    private = [name for name in modules if any(part.startswith("_") for part in name.split("."))]
    assert private == []
