"""Text for consoles and pipes that lack some signs, as on Windows."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
import torch

from cnncourse._text import Table, by, count, printable
from cnncourse.analysis import Mistake, Mistakes, diagram, receptive_field, summary
from cnncourse.data import DIGITS, STATISTICS, ImageSet
from cnncourse.models import LeNet5

# What Python takes on Windows in Russian, Greek, American, Turkish, Thai and Japanese, and in pipes of the locale C.
ENCODINGS = ["cp1251", "cp1253", "cp437", "cp866", "cp857", "cp874", "cp932", "ascii", "latin-1", "koi8-r", "utf-8"]
SIGNS = "3×3 ± 0.1 – 0…255 “a”"

images = ImageSet(torch.zeros(1, 1, 1, 1, dtype=torch.uint8), torch.tensor([0]), DIGITS, *STATISTICS["MNIST"])
PRINTED = {
    "image set": lambda: images,
    "diagram": lambda: diagram(LeNet5()),
    "summary": lambda: summary(LeNet5()),
    "receptive field": lambda: receptive_field(LeNet5()),
    "table": lambda: Table([["test %"], ["99.1 ± 0.2"]]),
    "classes of any language": lambda: Mistakes([Mistake(0, 0, 1, 0.5)], ("кошка", "猫")),
}


def printed(thing: object, encoding: str) -> str:
    """What a console of this encoding, as strict as Python's own, gets to show."""
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    with redirect_stdout(console):
        print(thing() if callable(thing) else printable(str(thing)))
    console.flush()
    return console.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", PRINTED)
def test_everything_can_be_printed(name, encoding):
    assert len(printed(PRINTED[name], encoding)) > 10


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_signs_have_a_likeness_in_ascii(encoding):
    try:
        SIGNS.encode(encoding)
        expected = SIGNS
    except UnicodeEncodeError:
        expected = '3x3 +/- 0.1 - 0...255 "a"'
    assert printed(SIGNS, encoding) == f"{expected}\n"
    assert printed("\U0001f600 кошка", "cp1251") == "? кошка\n"


@pytest.mark.parametrize("output", [None, io.StringIO(), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")])
def test_where_everything_can_be_written_nothing_changes(monkeypatch, output):
    monkeypatch.setattr(sys, "stdout", output)
    assert printable(SIGNS + " кошка") == SIGNS + " кошка"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["cnncourse.data", "cnncourse.experiments", "cnncourse.pad"])
def test_the_commands_explain_themselves_anywhere(module):
    command = [sys.executable, "-X", "utf8=0", "-m", module, "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    help_text = subprocess.run(command, env=environment, capture_output=True)
    assert help_text.returncode == 0, help_text.stderr
    assert b"usage: " in help_text.stdout


def test_shapes_and_counts():
    assert by((6, 28, 28)) == "6×28×28"
    assert (count(1, "image"), count(0, "image"), count(2000, "image")) == ("1 image", "0 images", "2,000 images")
