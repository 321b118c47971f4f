"""Every chapter runs, alone and in any order, and its committed outputs are fit to be read."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import run_notebooks

from cnncourse.quiz import quiz

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECTIONS = ["Predict first", "Exercises", "Quiz", "Key points", "What comes next"]
TAGS = {
    "setup",
    "exercise",
    "task",
    "check",
    "solution",
    "hide-cell",
    "hide-input",
    "nbval-check-output",
    "raises-exception",
}
TRACES_OF_A_MACHINE = {
    "a path": re.compile(r"(?<![\w.:/])(?:/(?:home|Users|root|tmp|work|opt|var|mnt)/|[A-Z]:\\)\w"),
    "an address in memory": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "an escape sequence": re.compile("\x1b"),
    "a run on the bundled sample": re.compile("bundled sample"),
}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def run(path, folder, package):
    """Run a copy of a notebook in `folder` with nbval, in quick mode, with cnncourse from `package` and no data set."""
    shutil.copy(path, folder)
    environment = {
        **os.environ,
        "CNNCOURSE_QUICK": "1",
        "CNNCOURSE_DATA": str(folder / "no data here"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(package), str(ROOT / "tests" / "support")]),
        "TQDM_DISABLE": "1",
    }
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", "--color=no", "-q"]
    plugins = ["-p", "nbval_stderr", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *plugins, path.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf8",
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@every_notebook
def test_runs_alone_in_quick_mode(path, installed, tmp_path):
    """With the installed library, in an empty folder, as on Colab."""
    result = run(path, tmp_path, installed)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_run_backwards_in_quick_mode(tmp_path):
    """In a clone, in one folder, each after all later chapters: none needs what another left."""
    results = {path.stem: run(path, tmp_path, ROOT) for path in reversed(NOTEBOOKS)}
    failed = {name: result.stdout + result.stderr for name, result in results.items() if result.returncode}
    assert not failed, "\n".join(f"{name}:\n{said}" for name, said in failed.items())


@pytest.fixture(scope="session")
def notebooks():
    return {path: nbformat.read(path, as_version=4) for path in NOTEBOOKS}


@pytest.fixture
def notebook(path, notebooks):
    return notebooks[path]


def number_of(path):
    """A chapter's number as it is written: 1, 10, 10b."""
    return path.stem.split("_")[0].lstrip("0")


def cells(notebook, *, tag=None):
    """The code cells, or those with a tag."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in code if tag is None or tag in cell.metadata.get("tags", [])]


def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def headings(notebook):
    """Pairs of level and text. A # in a block of code is none."""
    text = re.sub(r"^```.*?^```", "", markdown(notebook), flags=re.M | re.S)
    return [(len(marks), title) for marks, title in re.findall(r"^(#{1,6}) (.+)$", text, flags=re.M)]


def outputs(notebook):
    """Pairs of a cell's id and one of its outputs."""
    return [(cell.id, output) for cell in cells(notebook) for output in cell.outputs]


@every_notebook
def test_is_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert path.stat().st_size < 1_000_000


@every_notebook
def test_has_the_parts_of_a_chapter(path, notebook):
    levels, titles = zip(*headings(notebook), strict=True)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert titles[0].startswith(f"{number_of(path)} ")
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels)), "a heading skips a level"
    second = [title for level, title in headings(notebook) if level == 2]
    assert [title for title in second if title in SECTIONS] == SECTIONS


@every_notebook
def test_begins_with_the_setup_cell(notebook):
    first = cells(notebook)[0]
    assert first.metadata.tags == ["setup"]
    assert 'find_spec("cnncourse") is None' in first.source
    assert "%pip install" in first.source


@every_notebook
def test_each_exercise_has_stub_check_hint_and_solution(path, notebook):
    chapter = number_of(path)
    exercises = re.findall(r"^### Exercise ([\w.]+)", markdown(notebook), flags=re.M)
    tasks = re.findall(r"^### Try it ([\w.]+)", markdown(notebook), flags=re.M)
    assert exercises == [f"{chapter}.{number}" for number in range(1, len(exercises) + 1)]
    assert tasks == [f"{chapter}.{letter}" for letter in "abcdef"[: len(tasks)]]
    assert len(exercises) >= 2
    tags = [tag for cell in cells(notebook) for tag in cell.metadata.get("tags", [])]
    parts = [tag for tag in tags if tag in ("exercise", "task", "check", "solution")]
    assert parts[1::3] == ["check"] * len(exercises + tasks)
    assert parts[2::3] == ["solution"] * len(exercises + tasks)
    assert [parts[::3].count(kind) for kind in ("exercise", "task")] == [len(exercises), len(tasks)]
    hints = re.findall(r"<summary>(Hint.*?)</summary>", markdown(notebook))
    assert hints == ["Hint 1", "Hint 2"] * len(exercises)


@every_notebook
def test_there_is_something_to_do_early_and_in_each_third(notebook):
    """The first task comes within the first 400 words."""
    words, places = 0, []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            words += len(cell.source.split("\n## Exercises\n")[0].split())
            if "\n## Exercises\n" in cell.source:
                break
        elif "task" in cell.metadata.get("tags", []):
            places.append(words)
    assert places, "there is no task"
    assert places[0] <= 400
    assert {int(3 * place / (words + 1)) for place in places} == {0, 1, 2}


@every_notebook
def test_nothing_gives_an_exercise_away(notebook):
    """Checks and solutions are collapsed, on the site, in JupyterLab and in Colab, and stubs do nothing yet."""
    for tag, on_the_site in (("check", "hide-input"), ("solution", "hide-cell")):
        for cell in cells(notebook, tag=tag):
            assert on_the_site in cell.metadata.tags
            assert cell.metadata.jupyter.source_hidden
            assert cell.metadata.cellView == "form"
            assert cell.source.startswith(f"# @title {tag.capitalize()}\n")
    assert all(cell.metadata.jupyter.outputs_hidden for cell in cells(notebook, tag="solution"))
    assert all(
        cell.source.endswith("...  # your code here")
        for tag in ("exercise", "task")
        for cell in cells(notebook, tag=tag)
    )


@every_notebook
def test_stubs_are_not_done_and_solutions_are_correct(notebook):
    for tag, first_words in (("check", "Not done yet: "), ("solution", "Correct")):
        for cell in cells(notebook, tag=tag):
            printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
            assert re.search(f"^{first_words}", printed, flags=re.M), cell.id


@every_notebook
def test_the_quiz_takes_answers(path, notebook):
    """Its questions stand in one place, and the page shows them without running anything."""
    number = path.stem.split("_")[0]
    [cell] = [cell for cell in cells(notebook) if "cnncourse.quiz" in cell.source]
    assert cell.source == f'from cnncourse.quiz import quiz\n\nquiz("{number}")'
    [output] = cell.outputs
    assert output.data["text/html"] == quiz(number)._repr_html_()


@every_notebook
def test_was_executed_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert [name for name, output in outputs(notebook) if output.output_type == "error"] == []
    assert [name for name, output in outputs(notebook) if output.get("name") == "stderr"] == []


@every_notebook
def test_compares_deterministic_cells(notebook):
    compared = cells(notebook, tag="nbval-check-output")
    assert compared
    assert [cell.id for cell in compared if not cell.outputs] == []


@every_notebook
def test_every_tag_is_known(notebook):
    """A misspelt tag does nothing, and says nothing: nbval ignores NBVAL_CHECK_OUTPUT as a tag, for example."""
    unknown = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])} - TAGS
    assert unknown == set()


@every_notebook
@pytest.mark.parametrize("trace", TRACES_OF_A_MACHINE)
def test_outputs_are_free_of(trace, notebook):
    found = []
    for name, output in outputs(notebook):
        texts = [
            output.get("text", ""),
            *(text for kind, text in output.get("data", {}).items() if "image" not in kind),
        ]
        found += [(name, text) for text in texts if TRACES_OF_A_MACHINE[trace].search(text)]
    assert found == []


@every_notebook
def test_lines_fit_the_page(notebook):
    """The widest page shows 88 characters of code and 80 of what it prints."""
    long = [(cell.id, line) for cell in cells(notebook) for line in cell.source.splitlines() if len(line) > 88]
    for name, output in outputs(notebook):
        data = output.get("data", {})
        text = output.get(
            "text", "" if {"image/png", "image/svg+xml", "text/html"} & data.keys() else data.get("text/plain", "")
        )
        long += [(name, line) for line in text.splitlines() if len(line) > 80]
    assert long == []


@every_notebook
def test_outputs_have_no_widget(notebook):
    """Where no kernel runs, a widget is an error message in JupyterLab, and nothing on the site."""
    assert [name for name, output in outputs(notebook) if run_notebooks.WIDGET in output.get("data", {})] == []
    assert "widgets" not in notebook.metadata


@every_notebook
def test_every_figure_has_alternative_text(notebook):
    without = []
    for cell in cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            text = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if len(text.split()) < 5:
                without.append((cell.id, text))
    assert without == []


@every_notebook
def test_header_says_the_measured_time(notebook):
    assert "cnncourse" in notebook.metadata, "the notebook was not executed by `make notebooks`"
    said = run_notebooks.TIME.search(notebook.cells[0].source)
    assert said, "the header has no line of the form **Time:** …"
    reading, running = run_notebooks.minutes(notebook)
    assert int(said[1]) == pytest.approx(reading, rel=0.2)
    assert int(said[2]) == running
