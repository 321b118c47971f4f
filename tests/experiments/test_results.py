import json
import math
import re

import numpy as np
import pytest
from IPython.lib.pretty import pretty
from scipy import stats

from cnncourse import _files
from cnncourse.experiments import results
from cnncourse.experiments.results import (
    Difference,
    begin_results,
    compare,
    corrupted,
    load_results,
    summarise,
    table,
    write_results,
)

ACCURACIES = {"first": [0.8951, 0.8893, 0.8977, 0.8914, 0.8946], "second": [0.9148, 0.9167, 0.9153, 0.9131, 0.9176]}


def make_runs(accuracies, seeds=None) -> list[dict]:
    return [
        {
            "seed": seed,
            "history": [
                {"epoch": 1, "train_accuracy": 0.5, "valid_accuracy": 0.6, "seconds": 3.0 + seed},
                {"epoch": 2, "train_accuracy": accuracy + 0.03, "valid_accuracy": accuracy + 0.01, "seconds": 2.0},
            ],
            "test": {"loss": 1 - accuracy, "accuracy": accuracy},
        }
        for seed, accuracy in zip(seeds or range(len(accuracies)), accuracies, strict=True)
    ]


@pytest.fixture
def folder(tmp_path):
    for name, accuracies in ACCURACIES.items():
        result = begin_results(tmp_path / f"{name}.json", {"epochs": 2}, 61706, {"device": "cpu"})
        write_results(tmp_path / f"{name}.json", {**result, "runs": make_runs(accuracies)})
    return tmp_path


def test_a_summary_has_the_mean_and_the_deviation_over_the_seeds(folder):
    summary, accuracies = summarise("first", folder), np.array(ACCURACIES["first"])
    assert (summary.recipe, summary.parameters, summary.seeds, summary.epochs) == ("first", 61706, 5, 2)
    assert summary.test_accuracy == pytest.approx(accuracies.mean())
    assert summary.test_deviation == pytest.approx(accuracies.std(ddof=1))
    assert summary.test_loss == pytest.approx((1 - accuracies).mean())
    assert summary.train_accuracy == pytest.approx(accuracies.mean() + 0.03)  # of the last epoch
    assert summary.valid_accuracy == pytest.approx(accuracies.mean() + 0.01)
    assert summary.fastest_epoch == 2


def test_one_seed_has_no_deviation(folder):
    write_results(folder / "one.json", {**load_results("first", folder), "runs": make_runs([0.9])})
    assert math.isnan(summarise("one", folder).test_deviation)
    assert table("one", folder=folder)[1][-1] == "90.00"


def assert_is_scipys_interval(difference: Difference, first, second):
    test = stats.ttest_rel(first, second)
    interval = test.confidence_interval(0.95)
    assert difference.mean == pytest.approx(np.mean(np.subtract(first, second)))
    assert difference.low == pytest.approx(interval.low, rel=1e-3)
    assert difference.high == pytest.approx(interval.high, rel=1e-3)


def test_a_comparison_is_scipys_paired_interval(folder):
    difference = compare("second", "first", folder)
    assert_is_scipys_interval(difference, ACCURACIES["second"], ACCURACIES["first"])
    assert difference.seeds == 5
    assert difference.low > 0  # so that the sentence is one that these numbers allow


@pytest.mark.parametrize("seeds", range(2, 11))
def test_comparisons_over_other_numbers_of_seeds(tmp_path, seeds):
    rng = np.random.default_rng(seeds)
    pair = rng.normal(0.9, 0.01, (2, seeds))
    for name, accuracies in zip(("a", "b"), pair.tolist(), strict=True):
        write_results(tmp_path / f"{name}.json", {"runs": make_runs(accuracies)})
    assert_is_scipys_interval(compare("a", "b", tmp_path), *pair)
    assert results.T_975[seeds] == pytest.approx(stats.t.ppf(0.975, seeds - 1), abs=5e-4)


def test_a_comparison_pairs_the_seeds_that_both_have(tmp_path):
    write_results(tmp_path / "a.json", {"runs": make_runs([0.1, 0.92, 0.93, 0.95], seeds=[7, 1, 2, 3])})
    write_results(tmp_path / "b.json", {"runs": make_runs([0.90, 0.91, 0.91, 0.2], seeds=[3, 2, 1, 0])})
    assert_is_scipys_interval(compare("a", "b", tmp_path), [0.92, 0.93, 0.95], [0.91, 0.91, 0.90])


@pytest.mark.parametrize("seeds", [1, 11])
def test_too_few_or_too_many_seeds_to_compare(tmp_path, seeds):
    for name in ("a", "b"):
        write_results(tmp_path / f"{name}.json", {"runs": make_runs([0.9] * seeds)})
    with pytest.raises(ValueError, match=f"a and b share {seeds} seeds; a paired comparison here takes 2 to 10"):
        compare("a", "b", tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "claim"),
    [
        (0.001, 0.004, "+0.10 to +0.40, over 5 seeds: the first is more accurate"),
        (-0.004, -0.001, "-0.40 to -0.10, over 5 seeds: the second is more accurate"),
        (-0.001, 0.004, "-0.10 to +0.40, over 5 seeds: these runs do not show which is more accurate"),
    ],
)
def test_a_difference_claims_only_what_its_interval_shows(low, high, claim):
    mean = (low + high) / 2
    expected = f"{100 * mean:+.2f} percentage points, 95 % interval {claim}"
    assert str(Difference(mean, low, high, seeds=5)) == expected


def test_a_table_is_aligned_when_printed_and_in_a_notebook(folder):
    rows = table("first", "second", folder=folder)
    assert (
        str(rows)
        == pretty(rows)
        == (
            "recipe  parameters  epochs  seeds  train %  valid %        test %\n"
            "first       61,706       2      5    92.36    90.36  89.36 ± 0.33\n"
            "second      61,706       2      5    94.55    92.55  91.55 ± 0.17"
        )
    )


def test_a_recipe_that_has_not_been_run(tmp_path):
    message = "there are no results of 'third'. Run it: python -m cnncourse.experiments run third"
    for call in (load_results, summarise, lambda name, folder: compare(name, name, folder)):
        with pytest.raises(FileNotFoundError, match=re.escape(message)):
            call("third", tmp_path)


def test_a_damaged_file_is_named(folder):
    path = folder / "first.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match=rf"{path} is damaged \(.*\)\. Delete it and run the recipe anew\."):
        load_results("first", folder)


def test_results_are_read_from_the_course_itself(monkeypatch, folder):
    monkeypatch.setattr(results.settings, "files", lambda name: folder if name == "recipes" else None)
    assert load_results("first") == json.loads((folder / "first.json").read_text())
    assert len(table("first", "second")) == 3


def test_a_new_result_file_and_one_that_goes_on(folder):
    begun = begin_results(folder / "new.json", {"epochs": 2}, 10, {"device": "cpu"})
    assert begun == {
        "recipe": "new",
        "settings": {"epochs": 2},
        "parameters": 10,
        "environment": {"device": "cpu"},
        "runs": [],
    }
    assert begin_results(folder / "first.json", {"epochs": 2}, 61706, {}) == load_results("first", folder)


@pytest.mark.parametrize(
    ("settings", "parameters", "message"),
    [({"epochs": 3}, 61706, "epochs was 2, now it is 3"), ({"epochs": 2}, 5, "parameters was 61706, now it is 5")],
)
def test_other_settings_are_refused_with_both_values(folder, settings, parameters, message):
    with pytest.raises(ValueError, match=rf"first\.json was written with other settings: {message}\. Delete the file"):
        begin_results(folder / "first.json", settings, parameters, {})


def test_a_result_file_is_written_whole_or_not_at_all(folder, monkeypatch):
    before = (folder / "first.json").read_bytes()

    def fail(source, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(_files.os, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_results(folder / "first.json", {"runs": []})
    assert (folder / "first.json").read_bytes() == before


@pytest.fixture
def corrupted_folder(folder):
    """Each seed loses 0.1 of its accuracy for a noise of 0.1, and the second recipe twice as much for 0.2."""
    for factor, name in enumerate(ACCURACIES, start=1):
        result = load_results(name, folder)
        for run in result["runs"]:
            accuracy = run["test"]["accuracy"]
            run["corrupted"] = [
                {"corruption": "noise", "amount": 0.1, "loss": 1.0, "accuracy": accuracy - 0.1},
                {"corruption": "noise", "amount": 0.2, "loss": 2.0, "accuracy": accuracy - 0.2 * factor},
                {"corruption": "shift", "amount": 1, "loss": 3.0, "accuracy": 0.5},
            ]
        write_results(folder / f"{name}.json", result)
    return folder


def test_corrupted_results_are_those_of_every_seed_by_amount(corrupted_folder):
    by_amount = corrupted("second", "noise", corrupted_folder)
    assert list(by_amount) == [0, 0.1, 0.2]
    for amount, lost in ((0, 0), (0.1, 0.1), (0.2, 0.4)):
        assert by_amount[amount] == pytest.approx([accuracy - lost for accuracy in ACCURACIES["second"]])
    assert corrupted("first", "shift", corrupted_folder)[1] == [0.5] * 5


def test_a_comparison_under_a_corruption_is_scipys_paired_interval(corrupted_folder):
    difference = compare("second", "first", corrupted_folder, corruption="noise", amount=0.2)
    by_hand = [np.array(ACCURACIES[name]) - lost for name, lost in (("second", 0.4), ("first", 0.2))]
    assert_is_scipys_interval(difference, *by_hand)
    clean = compare("second", "first", corrupted_folder)
    assert compare("second", "first", corrupted_folder, corruption="noise", amount=0) == clean


def test_a_corruption_or_an_amount_that_was_not_measured(corrupted_folder, tmp_path):
    with pytest.raises(ValueError, match=re.escape("first was not measured with 'rain', but with ['noise', 'shift']")):
        corrupted("first", "rain", corrupted_folder)
    with pytest.raises(ValueError, match=re.escape("first was measured with 'noise' of [0, 0.1, 0.2], not of 0.3")):
        compare("first", "second", corrupted_folder, corruption="noise", amount=0.3)
    write_results(tmp_path / "clean.json", {"runs": make_runs([0.9])})
    with pytest.raises(ValueError, match="clean was not measured with 'noise', but with no corruption"):
        corrupted("clean", "noise", tmp_path)
