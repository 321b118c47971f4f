import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "cnncourse"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
# What each module of the package may import of it: imports run one way, and what is not listed knows nobody.
MAY_IMPORT = {
    "downloads": {"torchvision_ops"},
    "sources": {"settings", "downloads"},
    "data": {"settings", "sources", "memory"},
    "layers": {"checks"},
    "structure": {"layers"},
    "inside": {"checks", "layers"},
    "mistakes": {"checks", "results", "train"},
    "analysis": {"structure", "inside", "mistakes"},
    "drawing_parts": {"analysis", "layers"},
    "drawing": {"analysis", "drawing_parts", "layers"},
    "web": {"checks", "data", "layers", "web_layers"},
    "train": {"checkpoint", "checks"},
    "results": {"settings"},
    "runs": {"settings", "data", "results", "train"},
    "recipes": {"augment", "models", "results", "runs", "sources"},
    "draw_page": {"checkpoint", "recipes", "results", "web", "web_layers"},
    "draw": {"checks", "data", "digits", "draw_page", "inside", "layers"},
}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, in any place of it, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    known = {name.split(".")[1] for name in imported(PACKAGE / f"{module}.py") if name.startswith("cnncourse.")}
    assert known & set(MODULES) <= MAY_IMPORT.get(module, set())


def test_the_rule_itself_has_no_circle():
    order = []
    while len(order) < len(MODULES):
        free = [
            name for name in MODULES if name not in order and MAY_IMPORT.get(name, set()) & set(MODULES) <= set(order)
        ]
        assert free, f"a circle among {set(MODULES) - set(order)}"
        order += free


@pytest.mark.parametrize("module", MODULES)
def test_only_torchvision_ops_imports_torchvision(module):
    """Elsewhere a torchvision that was built for another torch could not be imported."""
    names = {name.split(".")[0] for name in imported(PACKAGE / f"{module}.py")}
    assert ("torchvision" in names) == (module == "torchvision_ops")


def test_torchvision_matplotlib_and_scikit_learn_load_only_when_used():
    light = [name for name in MODULES if name not in ("draw", "plots", "torchvision_ops")]
    code = "\n".join(
        [
            "import sys",
            *(f"import cnncourse.{name}" for name in light),
            "heavy = {'torchvision', 'matplotlib', 'sklearn', 'scipy', 'pandas', 'IPython'} & set(sys.modules)",
            "assert not heavy, heavy",
        ]
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_imports_nothing_of_its_modules():
    assert imported(PACKAGE / "__init__.py") == set()


@pytest.mark.parametrize("module", MODULES)
def test_only_settings_reads_environment_variables(module):
    text = (PACKAGE / f"{module}.py").read_text(encoding="utf8")
    reads = [word for word in ("os.environ.get", "os.getenv", "in os.environ") if word in text]
    assert bool(reads) == (module == "settings")
