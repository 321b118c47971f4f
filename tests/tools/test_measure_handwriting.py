"""The strokes of people are measured as they would draw them on the pad."""

import json

import measure_handwriting
import numpy as np
import pytest
import torch
from handwriting import HANDWRITING
from measure_handwriting import interval, main, on_pad, read, worst

NETWORK = "digitnet-best"
KEYS = [
    "right", "interval", "all", "slashed zero", "one with flag or foot", "the rest", "worst twentieth of writers",
    "calibration_error", "not_sure", "load_digits",
]  # fmt: skip


def columns(digits=HANDWRITING, writers=5):
    """The arrays of a file, of pairs of a digit and its drawing; writers take turns."""
    strokes = [np.array(stroke["points"]) for _, drawing in digits for stroke in drawing]
    return {
        "points": np.concatenate(strokes),
        "stroke_ends": np.cumsum([len(points) for points in strokes]),
        "digit_ends": np.cumsum([len(drawing) for _, drawing in digits]),
        "labels": np.array([digit for digit, _ in digits]),
        "writers": np.arange(len(digits)) % writers,
    }


@pytest.fixture
def written(tmp_path):
    """Writes a file of strokes, all as in `columns` but for the changes; None leaves an array out."""

    def write(**changes):
        path = tmp_path / "strokes.npz"
        arrays = columns() | changes
        np.savez_compressed(path, **{name: value for name, value in arrays.items() if value is not None})
        return path

    return write


@pytest.fixture
def fifty(monkeypatch):
    """A stand-in for scikit-learn's scans, of which there are many."""
    monkeypatch.setattr(measure_handwriting, "scans", lambda model: 0.5)


def test_a_measurement_is_added_to_those_before(tmp_path, written, fifty, capsys):
    results = tmp_path / "results" / "handwriting" / "strangers.json"
    main([str(written()), "--note", "first", "--results", str(results)])
    main([str(written()), "--recipes", NETWORK, "lenet5-mnist", "--results", str(results)])
    first, second = json.loads(results.read_text())["measurements"]
    assert list(first) == ["date", "note", "file", "digits", "writers", "networks"]
    assert (first["note"], first["file"], first["digits"], first["writers"]) == ("first", "strokes.npz", 50, 5)
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}") == first
    assert (second["note"], list(second["networks"])) == ("", [NETWORK, "lenet5-mnist"])
    assert second["networks"][NETWORK] == first["networks"][NETWORK], "the same numbers each time"
    network = first["networks"][NETWORK]
    assert list(network) == KEYS
    assert network["right"] == network["all"] == network["the rest"] >= 0.94
    assert network["interval"][0] <= network["right"] <= network["interval"][1] <= 1
    assert network["slashed zero"] is network["one with flag or foot"] is None
    assert 0 <= network["calibration_error"] < 0.2
    assert network["not_sure"] == 0
    assert 0.5 < network["worst twentieth of writers"] <= network["right"]


def test_doubtful_digits_and_styles_are_told_apart(written, fifty):
    """All right but the ones that are doubtful, slashed or flagged, since their labels are wrong."""
    digits, known = read(written())
    images = torch.stack([measure_handwriting.digit_image(on_pad(strokes)) for strokes in digits])
    model = measure_handwriting.trained(NETWORK)
    read_as = measure_handwriting.answers(model, images).argmax(dim=1).numpy()
    wrong = (read_as + 1) % 10
    style = np.array([1] * 4 + [2] * 4 + [0] * 42)
    doubtful = np.array([0] * 10 + [1] * 10 + [0] * 30)
    labels = np.where([True, False, False, False] * 2 + [False] * 2 + [True] * 10 + [False] * 30, wrong, read_as)
    found = measure_handwriting.measure(
        NETWORK, images, {**known, "labels": labels, "style": style, "doubtful": doubtful}
    )
    assert found["all"] == pytest.approx(38 / 50)
    assert found["right"] == pytest.approx(38 / 40)
    assert found["slashed zero"] == found["one with flag or foot"] == pytest.approx(3 / 4)
    assert found["the rest"] == 1


def test_answers_below_the_networks_own_threshold_are_not_sure(written, fifty, monkeypatch):
    model = measure_handwriting.trained(NETWORK)
    model.temperature, model.sure = 1e6, 0.2
    monkeypatch.setattr(measure_handwriting, "trained", lambda *names: model)
    digits, known = read(written())
    images = torch.stack([measure_handwriting.digit_image(on_pad(strokes)) for strokes in digits])
    found = measure_handwriting.measure(NETWORK, images, known)
    assert found["not_sure"] == 1, "at so high a temperature every answer has a tenth"
    assert found["calibration_error"] == pytest.approx(found["right"] - 0.1, abs=0.001)


def test_a_digit_is_drawn_in_the_middle_of_the_pad():
    strokes = [np.array([[10, 20], [10, 80]], np.int16), np.array([[40, 50]], np.int16)]
    assert on_pad(strokes) == [
        {"radius": 10, "points": [[95.0, 50.0], [95.0, 230.0]]},
        {"radius": 10, "points": [[185.0, 140.0]]},
    ]
    assert on_pad([np.array([[7, 7]])]) == [{"radius": 10, "points": [[140.0, 140.0]]}]


def test_the_files_digits_are_read_as_written(written):
    digits, known = read(written())
    for strokes, (_, drawing) in zip(digits, HANDWRITING, strict=True):
        for points, stroke in zip(strokes, drawing, strict=True):
            assert points.tolist() == stroke["points"]
    assert known["labels"].tolist() == [digit for digit, _ in HANDWRITING]
    assert not known["doubtful"].any()
    assert not known["style"].any()


def test_the_interval_is_over_writers():
    writers = np.repeat(np.arange(40), 50)
    one_by_one = np.random.default_rng(1).random(2000) < 0.9
    by_writer = np.repeat(np.arange(40) < 36, 50)  # as many right, but four writers are never read
    assert np.diff(interval(one_by_one, writers))[0] == pytest.approx(2 * 1.96 * (0.09 / 2000) ** 0.5, rel=0.4)
    assert np.diff(interval(by_writer, writers))[0] == pytest.approx(2 * 1.96 * (0.09 / 40) ** 0.5, rel=0.1)
    assert interval(by_writer, writers) == interval(by_writer, writers)
    assert interval(np.ones(5, bool), np.zeros(5)) == (1, 1)


def test_the_worst_twentieth_of_writers():
    writers = np.repeat(np.arange(41), 10)
    right = np.ones(410, bool)
    right[:5] = right[10:12] = False  # half of the first writer's digits, a fifth of the second's
    assert worst(right, writers) == pytest.approx((0.5 + 0.8 + 1) / 3)
    assert worst(np.append(right, [False] * 9), np.append(writers, [41] * 9)) == worst(right, writers)
    assert worst(np.ones(9, bool), np.zeros(9)) is None


def test_scikit_learns_scans_are_read():
    pytest.importorskip("sklearn")
    assert measure_handwriting.scans(measure_handwriting.trained(NETWORK)) > 0.85


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "it lacks labels"),
        ({"points": None, "writers": None}, "it lacks points, writers"),
        ({"points": np.zeros((0, 2))}, "it has no points"),
        ({"points": np.zeros((9, 3))}, "points must be finite numbers K×2"),
        ({"points": np.array([["a", "b"]])}, "points must be finite numbers K×2"),
        ({"points": np.full((9, 2), np.nan)}, "points must be finite numbers K×2"),
        ({"points": np.zeros((9, 2))}, "stroke_ends must be .* to 9, the number of points"),
        ({"digit_ends": np.arange(1, 51)}, "digit_ends must be .*, the number of strokes"),
        ({"digit_ends": np.array([], int)}, "digit_ends must be .*, the number of strokes"),
        ({"digit_ends": columns()["digit_ends"][::-1]}, "digit_ends must be .*, the number of strokes"),
        ({"digit_ends": columns()["digit_ends"] * 1.0}, "digit_ends must be whole numbers"),
        ({"stroke_ends": np.append(0, columns()["stroke_ends"])}, "stroke_ends must be .* rise from 1"),
        ({"labels": np.arange(50)}, "labels must be whole numbers from 0 to 9"),
        ({"labels": np.full(50, -1)}, "labels must be whole numbers from 0 to 9"),
        ({"labels": np.full(50, 0.5)}, "labels must be whole numbers from 0 to 9"),
        ({"labels": np.zeros(49, int)}, r"labels must be one for each of the 50 digits, not of the shape \(49,\)"),
        ({"writers": np.zeros((50, 2))}, "writers must be one for each of the 50 digits"),
        ({"style": np.full(50, 3)}, "style must be whole numbers from 0 to 2"),
        ({"doubtful": np.zeros(3)}, "doubtful must be one for each of the 50 digits"),
    ],
)
def test_a_file_that_does_not_fit_gets_one_line(tmp_path, written, changes, message):
    path = written(**changes)
    with pytest.raises(SystemExit, match=f"^{path}: .*{message}") as end:
        main([str(path), "--results", str(tmp_path / "results.json")])
    assert "\n" not in end.value.code
    assert not (tmp_path / "results.json").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off", b"\x93NUMPY"])
def test_what_is_no_file_of_arrays_gets_one_line(tmp_path, content):
    path = tmp_path / "strokes.npz"
    with pytest.raises(SystemExit, match=r"strokes\.npz: .*No such file"):
        main([str(path)])
    path.write_bytes(content)
    with pytest.raises(SystemExit, match=r"it is no \.npz file of arrays"):
        main([str(path)])
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(SystemExit, match=r"it is no \.npz file of arrays"):
        main([str(tmp_path / "one.npy")])


@pytest.mark.parametrize(
    ("name", "message"), [("lenet6", "there is no recipe 'lenet6'"), ("cifarnet-best", "does not read digits")]
)
def test_a_network_that_reads_no_digits_gets_one_line(tmp_path, written, name, message):
    with pytest.raises(SystemExit, match=message):
        main([str(written()), "--recipes", name, "--results", str(tmp_path / "results.json")])
    assert not (tmp_path / "results.json").exists()
