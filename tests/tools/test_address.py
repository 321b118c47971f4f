"""The address and the release each stand in one place, and one command changes them wherever they are repeated."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import set_address

ROOT = set_address.ROOT
VERSION = set_address.version(ROOT)
NOTEBOOKS = [path for path in set_address.places(ROOT) if path.suffix == ".ipynb"]
OTHERS = ["tools/set_address.py", "cnncourse/__init__.py", "CHANGELOG.md"]
NEW = "https://github.com/ada-l/convnets.2"


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "cnncourse").mkdir()
    for path in [*set_address.places(ROOT), *(ROOT / name for name in OTHERS)]:
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_setup_cell_installs_from_the_address(path):
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    source = "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])
    release = f"{set_address.address(ROOT)}@v{VERSION}"
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


def test_a_release_stands_in_every_place(copy):
    before = {path: path.read_text(encoding="utf8") for path in set_address.places(copy)}
    changes = copy / "CHANGELOG.md"
    changes.write_text(changes.read_text("utf8").replace("\n## ", "\n## Unreleased\n\n- A change\n\n## ", 1), "utf8")
    result = run(copy, "--release", "2.10.3")
    assert result.returncode == 0, result.stderr
    assert "git tag v2.10.3\n" in result.stdout

    assert set_address.version(copy) == "2.10.3"
    today = re.search(r"^## 2\.10\.3 – (\d{4}-\d\d-\d\d)\n\n- A change$", changes.read_text("utf8"), re.M)[1]
    assert f"version: 2.10.3\ndate-released: {today}\n" in (copy / "CITATION.cff").read_text("utf8")
    for path, text in before.items():
        after = path.read_text(encoding="utf8")
        assert f"v{VERSION}" not in after
        assert after.count("v2.10.3") == text.count(f"v{VERSION}")

    assert run(copy, "--release", VERSION).returncode == 0, "its part of the list of changes is there"
    assert {path: path.read_text(encoding="utf8") for path in before if path.suffix != ".cff"} == {
        path: text for path, text in before.items() if path.suffix != ".cff"
    }


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("", "not a version"),
        ("1.2", "not a version"),
        ("v1.2.0", "not a version"),
        ("1.2.0rc1", "not a version"),
        ("2.10.3", "does not say what 2.10.3 changes"),
    ],
)
def test_what_is_no_release_changes_nothing(copy, new, words):
    paths = [*set_address.places(copy), *(copy / name for name in OTHERS)]
    before = [path.read_bytes() for path in paths]
    result = run(copy, "--release", new)
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.read_bytes() for path in paths] == before


def test_an_unreleased_part_without_a_word_is_no_release(copy):
    changes = copy / "CHANGELOG.md"
    changes.write_text(changes.read_text("utf8").replace("\n## ", "\n## Unreleased\n\n## ", 1), "utf8")
    assert "does not say what 2.10.3 changes" in run(copy, "--release", "2.10.3").stderr


def test_two_addresses_are_one_too_many(copy):
    result = run(copy, NEW, NEW)
    assert result.returncode == 2
    assert "unrecognized arguments" in result.stderr
