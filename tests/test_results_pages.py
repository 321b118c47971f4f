"""The directives and roles of the book that read `results/`, in a small book of their own."""

import json
import sys
from pathlib import Path

import pytest
from sphinx.testing.util import SphinxTestApp

from cnncourse import settings

EXTENSIONS = Path(__file__).parent.parent / "book" / "_ext"
SETTINGS = {"data": "FashionMNIST", "batch_size": 512}


def result(name, accuracies):
    epoch = {"train_loss": 0.5, "train_accuracy": 0.8, "valid_loss": 0.4, "valid_accuracy": 0.9}
    history = [{**epoch, "epoch": 1, "seconds": 2}, {**epoch, "epoch": 2, "seconds": 4}]
    return {
        "recipe": name,
        "settings": SETTINGS,
        "parameters": 61706,
        "environment": {"torch": "2.13.0", "device": "cpu", "cpu": "A processor"},
        "runs": [
            {"seed": seed, "history": history, "test": {"loss": 0.3, "accuracy": accuracy}}
            for seed, accuracy in enumerate(accuracies)
        ],
    }


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Builds a page of Markdown beside two results; returns its HTML and the warnings."""
    results = tmp_path / "results"
    results.mkdir()
    for name, accuracies in {"one": [0.89, 0.90, 0.91], "two": [0.93, 0.94, 0.95]}.items():
        (results / f"{name}.json").write_text(json.dumps(result(name, accuracies)))
    monkeypatch.setattr(settings, "files", lambda name: tmp_path / name)
    monkeypatch.setattr(sys, "path", [str(EXTENSIONS), *sys.path])

    def build(text):
        source = tmp_path / "book"
        source.mkdir()
        (source / "conf.py").write_text("extensions = ['myst_parser', 'sphinx_design', 'results_pages']")
        (source / "index.md").write_text(f"# A page\n\n{text}\n", encoding="utf8")
        app = SphinxTestApp("html", srcdir=source)
        try:
            app.build()
            return (app.outdir / "index.html").read_text(encoding="utf8"), app.warning.getvalue()
        finally:
            app.cleanup()

    return build


def test_numbers_in_a_sentence(build):
    html, warnings = build(
        "{result}`one test_accuracy`; {result}`one test_accuracy max`; {result}`one parameters` parameters; "
        "{result}`one seeds` seeds; {result}`one epochs` epochs; {result}`one seconds_per_epoch` s; "
        "{result}`one machine`"
    )
    assert warnings == ""
    assert "90.00 ± 1.00 %; 91.00 %; 61,706 parameters; 3 seeds; 2 epochs; 3.0 s; A processor, PyTorch 2.13.0" in html


def test_comparison_is_paired_by_seed(build):
    html, _ = build("{comparison}`two one`")
    assert "+4.00 percentage points, 95 % interval +4.00 to +4.00, over 3 seeds: the first is more accurate" in html


def test_table_has_the_documented_figure_and_the_difference(build):
    html, warnings = build("```{results-table}\none: 90.5\ntwo:\n```")
    assert warnings == ""
    for text in ("90.00 ± 1.00", "90.50", "−0.50", "94.00 ± 1.00", "batch_size", "512", "A processor"):
        assert text in html
    assert 'href="#recipe-two"' in html
    assert 'id="recipe-two"' in html


def test_plot_says_in_words_what_it_shows(build):
    html, _ = build("```{results-plot} one two\n```")
    assert html.count("<circle") == 6
    assert "two: mean 94.00, from 93.00 to 95.00." in html


@pytest.mark.parametrize(
    "text",
    [
        "{result}`three parameters`",
        "{comparison}`one three`",
        "```{results-table}\nthree:\n```",
        "```{results-plot} one three\n```",
    ],
)
def test_a_missing_result_is_a_build_error(build, text):
    _, warnings = build(text)
    assert "three" in warnings
    assert "make results" in warnings


@pytest.mark.parametrize("text", ["{result}`one colour`", "{result}`one test_accuracy best`", "{result}`one`"])
def test_an_unknown_quantity_is_a_build_error(build, text):
    _, warnings = build(text)
    assert text in warnings
