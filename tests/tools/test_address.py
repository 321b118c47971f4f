"""The repository's address stands in one place, and one command changes it wherever it is repeated."""

import json
import shutil
import subprocess
import sys

import pytest
import set_address

ROOT = set_address.ROOT
NEW = "https://github.com/ada-l/convnets.2"


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "cnncourse").mkdir()
    for path in [*set_address.places(ROOT), ROOT / "tools/set_address.py", ROOT / "cnncourse/__init__.py"]:
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


def slug(url):
    """The part that Colab's links and GitHub's share."""
    return url.removeprefix("https://github.com/")


def run(copy, *arguments):
    command = [sys.executable, copy / "tools/set_address.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("path", set_address.places(ROOT), ids=lambda path: path.name)
def test_every_place_has_the_address(path):
    assert set_address.address(ROOT) in path.read_text(encoding="utf8")


@pytest.mark.parametrize("path", set_address.places(ROOT)[4:], ids=lambda path: path.name)
def test_setup_cell_installs_from_the_address(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    source = "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])
    release = f"{set_address.address(ROOT)}@v{set_address.version(ROOT)}"
    assert f'"cnncourse @ git+{release}"' in source


def test_no_other_file_has_the_address():
    listed = subprocess.run(
        ["git", "grep", "-lF", set_address.address(ROOT).removeprefix("https://")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode > 1:
        pytest.skip("this is not a git checkout")
    assert {ROOT / name for name in listed.stdout.split()} <= set(set_address.places(ROOT))


@pytest.mark.parametrize("ending", ["", "/", ".git"])
def test_command_changes_every_place(copy, ending):
    old = set_address.address(copy)
    before = {path: path.read_text(encoding="utf8") for path in set_address.places(copy)}
    result = run(copy, NEW + ending)
    assert result.returncode == 0, result.stderr
    assert set_address.address(copy) == NEW
    for path in before:
        assert slug(old) not in path.read_text(encoding="utf8")
        assert f"Changed {path.relative_to(copy)}" in result.stdout

    assert run(copy, old).returncode == 0
    assert {path: path.read_text(encoding="utf8") for path in before} == before, "the way back gives the same text"


@pytest.mark.parametrize(
    "url", ["", "github.com/you/yours", "https://github.com/you", "https://example.org/you/yours", f"{NEW} {NEW}"]
)
def test_another_kind_of_address_changes_nothing(copy, url):
    before = [path.read_bytes() for path in set_address.places(copy)]
    result = run(copy, url)
    assert result.returncode == 1
    assert "https://github.com/you/yours" in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.read_bytes() for path in set_address.places(copy)] == before


def test_readme_changes_into_the_folder_that_git_makes(copy):
    assert run(copy, NEW).returncode == 0
    assert f"git clone {NEW} && cd convnets.2\n" in (copy / "README.md").read_text(encoding="utf8")


def test_without_an_address_the_command_writes_the_version(copy):
    init = copy / "cnncourse/__init__.py"
    init.write_text(init.read_text(encoding="utf8").replace(set_address.version(ROOT), "2.10.3"), encoding="utf8")
    result = run(copy)
    assert result.returncode == 0, result.stderr
    for path in set_address.places(copy)[4:]:
        assert f"git+{set_address.address(ROOT)}@v2.10.3" in path.read_text(encoding="utf8")


def test_two_addresses_are_one_too_many(copy):
    result = run(copy, NEW, NEW)
    assert result.returncode == 1
    assert "make address URL=" in result.stderr
