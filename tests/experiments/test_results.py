import json
import math
import re
import subprocess
import sys
import threading
from itertools import combinations

import numpy as np
import pytest
from IPython.lib.pretty import pretty
from scipy import stats

from cnncourse import _files
from cnncourse._files import locked
from cnncourse.experiments import results
from cnncourse.experiments.results import (
    Difference,
    add_run,
    begin_results,
    compare,
    corrupted,
    holm,
    load_results,
    summarise,
    t_975,
    table,
    weights_file,
    write_results,
)

ACCURACIES = {"first": [0.8951, 0.8893, 0.8977, 0.8914, 0.8946], "second": [0.9148, 0.9167, 0.9153, 0.9131, 0.9176]}


def make_runs(accuracies, seeds=None) -> list[dict]:
    return [
        {
            "seed": seed,
            "environment": {"torch": "2.13.0", "device": "cpu", "cpu": "A processor"},
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
        result = begin_results(name, {"epochs": 2}, 61706, tmp_path)
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
    assert (summary.fastest_epoch, summary.machine) == (2, "A processor, PyTorch 2.13.0")


def test_the_fastest_epoch_is_told_with_its_own_machine(folder):
    result = load_results("first", folder)
    result["runs"][3]["environment"] = {"torch": "2.14.0", "device": "A card", "cpu": "Another processor"}
    result["runs"][3]["history"][0]["seconds"] = 0.5
    write_results(folder / "two.json", result)
    summary = summarise("two", folder)
    assert (summary.fastest_epoch, summary.machine) == (0.5, "A card, PyTorch 2.14.0")


def test_one_seed_has_no_deviation(folder):
    write_results(folder / "one.json", {**load_results("first", folder), "runs": make_runs([0.9])})
    assert math.isnan(summarise("one", folder).test_deviation)
    assert table("one", folder=folder, test=True)[1][-1] == "90.00"


def assert_is_scipys_interval(difference: Difference, first, second):
    test = stats.ttest_rel(first, second)
    interval = test.confidence_interval(0.95)
    assert difference.mean == pytest.approx(np.mean(np.subtract(first, second)))
    assert difference.low == pytest.approx(interval.low, rel=1e-3)
    assert difference.high == pytest.approx(interval.high, rel=1e-3)
    assert difference.p_value == pytest.approx(test.pvalue, rel=1e-6)


def test_a_comparison_is_scipys_paired_interval(folder):
    difference = compare("second", "first", folder, on="test")
    assert_is_scipys_interval(difference, ACCURACIES["second"], ACCURACIES["first"])
    assert difference.seeds == 5
    assert difference.low > 0  # so that the sentence is one that these numbers allow
    on_valid = [np.array(ACCURACIES[name]) + 0.01 for name in ("second", "first")]
    assert_is_scipys_interval(compare("second", "first", folder, on="valid"), *on_valid)


def test_a_comparison_is_on_the_validation_part_unless_told_otherwise(folder):
    result = load_results("first", folder)
    for run in result["runs"]:
        run["history"][-1]["valid_accuracy"] = 0.99
    write_results(folder / "first.json", result)
    assert compare("first", "second", folder) == compare("first", "second", folder, on="valid")
    assert compare("first", "second", folder).low > 0
    assert compare("first", "second", folder, on="test").high < 0
    with pytest.raises(ValueError, match='on must be "valid" or "test", not \'train\''):
        compare("first", "second", folder, on="train")


@pytest.mark.parametrize("seeds", [*range(2, 35), 100, 1001])
def test_the_quantile_is_scipys(seeds):
    assert t_975(seeds) == pytest.approx(stats.t.ppf(0.975, seeds - 1), rel=1e-10)


@pytest.mark.parametrize("seeds", [1, 0, -3])
def test_a_quantile_takes_two_seeds(seeds):
    with pytest.raises(ValueError, match=f"two seeds or more, not {seeds}"):
        t_975(seeds)


@pytest.mark.parametrize("seeds", [2, 3, 10, 11, 12, 40])
def test_comparisons_over_other_numbers_of_seeds(tmp_path, seeds):
    rng = np.random.default_rng(seeds)
    pair = rng.normal(0.9, 0.01, (2, seeds))
    for name, accuracies in zip(("a", "b"), pair.tolist(), strict=True):
        write_results(tmp_path / f"{name}.json", {"runs": make_runs(accuracies)})
    assert_is_scipys_interval(compare("a", "b", tmp_path, on="test"), *pair)


def test_a_comparison_pairs_the_seeds_that_both_have(tmp_path):
    write_results(tmp_path / "a.json", {"runs": make_runs([0.1, 0.92, 0.93, 0.95], seeds=[7, 1, 2, 3])})
    write_results(tmp_path / "b.json", {"runs": make_runs([0.90, 0.91, 0.91, 0.2], seeds=[3, 2, 1, 0])})
    assert_is_scipys_interval(compare("a", "b", tmp_path, on="test"), [0.92, 0.93, 0.95], [0.91, 0.91, 0.90])


def test_one_seed_shows_nothing_and_none_is_an_error(tmp_path):
    write_results(tmp_path / "a.json", {"runs": make_runs([0.93, 0.9], seeds=[0, 1])})
    write_results(tmp_path / "b.json", {"runs": make_runs([0.9], seeds=[0])})
    write_results(tmp_path / "c.json", {"runs": make_runs([0.9], seeds=[7])})
    difference = compare("a", "b", tmp_path, on="test")
    assert difference[:4] == (pytest.approx(0.03), -math.inf, math.inf, 1)
    assert math.isnan(difference.p_value)
    assert str(difference) == (
        "first - second, test: +3.00 percentage points\n"
        "95 % interval over 1 seed: -inf to +inf\n"
        "these runs do not show which is more accurate"
    )
    with pytest.raises(ValueError, match="a and c share no seed; a comparison is paired by seed"):
        compare("a", "c", tmp_path)


@pytest.mark.parametrize("accuracies", [[0.9] * 5, [0.0] * 5, [0.098, 0.994, 0.994, 0.995, 0.994]])
def test_identical_zero_and_collapsed_accuracies(tmp_path, accuracies):
    write_results(tmp_path / "a.json", {"recipe": "a", "parameters": 1, "runs": make_runs(accuracies)})
    write_results(tmp_path / "half.json", {"runs": make_runs([0.5] * 5)})
    difference = compare("a", "half", tmp_path, on="test")
    assert difference.mean == pytest.approx(np.mean(accuracies) - 0.5)
    half = np.std(accuracies, ddof=1) / 5**0.5 * stats.t.ppf(0.975, 4)
    assert difference.high - difference.mean == pytest.approx(half, abs=1e-12)
    cell = f"{100 * np.mean(accuracies):.2f} ± {100 * np.std(accuracies, ddof=1):.2f}"
    assert table("a", folder=tmp_path, test=True)[1][-1] == cell


def test_a_file_without_a_run(tmp_path):
    write_results(tmp_path / "a.json", {"recipe": "a", "parameters": 1, "runs": []})
    with pytest.raises(ValueError, match="'a' holds no run"):
        summarise("a", tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "claim"),
    [
        (0.001, 0.004, "+0.10 to +0.40\nthe first is more accurate"),
        (-0.004, -0.001, "-0.40 to -0.10\nthe second is more accurate"),
        (-0.001, 0.004, "-0.10 to +0.40\nthese runs do not show which is more accurate"),
    ],
)
def test_a_difference_claims_only_what_its_interval_shows(low, high, claim):
    mean = (low + high) / 2
    expected = f"first - second, validation: {100 * mean:+.2f} percentage points\n95 % interval over 5 seeds: {claim}"
    assert str(Difference(mean, low, high, 5, 0.5, "validation")) == expected


def test_differences_that_are_all_the_same_have_no_luck_in_them(tmp_path):
    for name, accuracies in (("a", [0.75, 0.5]), ("b", [0.5, 0.25])):
        write_results(tmp_path / f"{name}.json", {"runs": make_runs(accuracies)})
    assert compare("a", "b", tmp_path, on="test")[:5] == (0.25, 0.25, 0.25, 2, 0)
    assert compare("a", "a", tmp_path, on="test")[:5] == (0, 0, 0, 2, 1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8])
def test_holm_is_the_closed_test_of_bonferronis(count):
    """A difference is shown where Bonferroni refuses every set of hypotheses that it is in."""
    p_values = np.random.default_rng(count).beta(0.4, 3, count).tolist()
    sets = [chosen for size in range(1, count + 1) for chosen in combinations(range(count), size)]
    expected = [
        max(min(1, len(chosen) * min(p_values[other] for other in chosen)) for chosen in sets if number in chosen)
        for number in range(count)
    ]
    assert holm(*[Difference(0, 0, 0, 5, p_value, "test") for p_value in p_values]) == pytest.approx(expected)


def test_a_table_is_aligned_when_printed_and_in_a_notebook(folder):
    rows = table("first", "second", folder=folder)
    assert (
        str(rows)
        == pretty(rows)
        == (
            "recipe  parameters  epochs  seeds       valid %\n"
            "first       61,706       2      5  90.36 ± 0.33\n"
            "second      61,706       2      5  92.55 ± 0.17"
        )
    )
    assert str(table("first", folder=folder, test=True)) == (
        "recipe  parameters  epochs  seeds       valid %        test %\n"
        "first       61,706       2      5  90.36 ± 0.33  89.36 ± 0.33"
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


def test_a_history_of_a_result_is_a_table(folder):
    history = load_results("first", folder)["runs"][1]["history"]
    assert history.column("seconds") == [4.0, 2.0]
    assert str(history).splitlines()[0].split() == ["epoch", "train_accuracy", "valid_accuracy", "seconds"]


def test_a_new_result_file_and_one_that_goes_on(folder):
    begun = begin_results("new", {"epochs": 2}, 10, folder)
    assert begun == {"recipe": "new", "settings": {"epochs": 2}, "parameters": 10, "runs": []}
    assert begin_results("first", {"epochs": 2}, 61706, folder) == load_results("first", folder)


def test_a_run_is_added_to_what_others_have_written(folder):
    row = make_runs([0.5], seeds=[7])[0]
    first = add_run("new", {"epochs": 2}, 10, row, folder)
    assert first == load_results("new", folder)
    assert first["runs"] == [row]
    earlier, again = make_runs([0.6], seeds=[3])[0], make_runs([0.7], seeds=[7])[0]
    add_run("new", {"epochs": 2}, 10, earlier, folder)
    result = add_run("new", {"epochs": 2}, 10, again, folder)  # of two runs with one seed the first stays
    assert result["runs"] == load_results("new", folder)["runs"] == [earlier, row]
    with pytest.raises(ValueError, match="epochs was 2, now it is 3"):
        add_run("new", {"epochs": 3}, 10, earlier, folder)


ADD = """
import sys
from pathlib import Path
from cnncourse.experiments.results import add_run
for seed in range(int(sys.argv[2]), 60, 3):
    add_run("many", {"epochs": 2}, 10, {"seed": seed, "history": []}, Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_writers_at_one_time_lose_nothing(tmp_path):
    """Three processes write twenty runs each."""
    writers = [subprocess.Popen([sys.executable, "-c", ADD, tmp_path, str(number)]) for number in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert [run["seed"] for run in load_results("many", tmp_path)["runs"]] == list(range(60))


HOLD = """
import sys, time
from cnncourse._files import locked
with locked(sys.argv[1]):
    print("locked", flush=True)
    time.sleep(99)
"""


def test_a_lock_of_a_process_that_was_killed_holds_nobody_up(tmp_path):
    def wait():
        with locked(tmp_path / "lock"):
            pass

    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        process.kill()
        waiting.join(20)
        assert not waiting.is_alive()


def test_what_runs_wrote_comes_before_what_came_with_the_course(folder, tmp_path_factory, monkeypatch):
    """An installed library writes to the current folder, not into itself."""
    here = tmp_path_factory.mktemp("here")
    monkeypatch.setattr(results.settings, "in_checkout", lambda: False)
    monkeypatch.setattr(results.settings, "files", lambda name: folder)
    monkeypatch.chdir(here)
    (row,) = make_runs([0.5], seeds=[9])
    (here / "numbers").write_text("of the run")
    added = add_run("first", {"epochs": 2}, 61706, row, weights=here / "numbers")
    assert [run["seed"] for run in added["runs"]] == [0, 1, 2, 3, 4, 9]
    assert load_results("first") == added == load_results("first", here / "results" / "recipes")
    assert weights_file("first").read_text() == "of the run"
    assert load_results("second") == load_results("second", folder)
    assert len(load_results("first", folder)["runs"]) == 5
    with pytest.raises(FileNotFoundError, match=r"no weights of 'second' are kept. Recipes with weights: first\."):
        weights_file("second")


@pytest.mark.parametrize(
    ("settings", "parameters", "message"),
    [({"epochs": 3}, 61706, "epochs was 2, now it is 3"), ({"epochs": 2}, 5, "parameters was 61706, now it is 5")],
)
def test_other_settings_are_refused_with_both_values(folder, settings, parameters, message):
    with pytest.raises(ValueError, match=rf"first\.json was written with other settings: {message}\. Delete the file"):
        begin_results("first", settings, parameters, folder)


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
    difference = compare("second", "first", corrupted_folder, on="test", corruption="noise", amount=0.2)
    by_hand = [np.array(ACCURACIES[name]) - lost for name, lost in (("second", 0.4), ("first", 0.2))]
    assert_is_scipys_interval(difference, *by_hand)
    clean = compare("second", "first", corrupted_folder, on="test")
    assert compare("second", "first", corrupted_folder, on="test", corruption="noise", amount=0) == clean
    with pytest.raises(ValueError, match='only the test split was corrupted; to compare on it, say on="test"'):
        compare("second", "first", corrupted_folder, corruption="noise", amount=0.2)


def test_a_corruption_or_an_amount_that_was_not_measured(corrupted_folder, tmp_path):
    with pytest.raises(ValueError, match=re.escape("first was not measured with 'rain', but with ['noise', 'shift']")):
        corrupted("first", "rain", corrupted_folder)
    with pytest.raises(ValueError, match=re.escape("first was measured with 'noise' of [0, 0.1, 0.2], not of 0.3")):
        compare("first", "second", corrupted_folder, on="test", corruption="noise", amount=0.3)
    write_results(tmp_path / "clean.json", {"runs": make_runs([0.9])})
    with pytest.raises(ValueError, match="clean was not measured with 'noise', but with no corruption"):
        corrupted("clean", "noise", tmp_path)
