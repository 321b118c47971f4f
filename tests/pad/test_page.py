"""The drawing pad with a network as a page of its own, and the command that writes it."""

import json
import re
import subprocess
import sys

import pytest
import torch
from exported import prepared
from torch import nn

from cnncourse.checkpoint import save_checkpoint
from cnncourse.data import Preprocessing
from cnncourse.experiments import trained, weights_file
from cnncourse.models import LeNet5
from cnncourse.pad import JS, SCRIPTS, draw_page, export_web, sample_drawings, web_network
from cnncourse.pad.__main__ import main


def test_the_samples_are_quick_to_load():
    assert (JS / "samples.js").stat().st_size < 15_000


def test_the_samples_are_those_of_the_pad():
    samples = sample_drawings()
    assert {sample["digit"] for sample in samples} == set(range(10))
    numbers = [
        number for sample in samples for stroke in sample["strokes"] for point in stroke["points"] for number in point
    ]
    written = re.findall(
        r"-?\d+(?:\.\d+)?", "".join(re.findall(r"\[[\d., \[\]\n-]+\]", (JS / "samples.js").read_text()))
    )
    assert numbers == list(map(float, written))


def test_every_script_is_loaded_and_none_can_end_the_page():
    assert {path.name for path in JS.glob("*.js")} == {*SCRIPTS, "widget.js"}
    assert not any("</script" in (JS / name).read_text(encoding="utf8") for name in SCRIPTS)
    network = web_network(trained("digitnet-best"), title="</script><b>")
    page = draw_page(network, "</title></script>")
    assert page.count("</script>") == page.count("</title>") == 1


def run(*arguments, capsys):
    main([*map(str, arguments), "--no-browser"])
    return capsys.readouterr().out


def network_of(page):
    """The network that a page has in it."""
    return json.loads(re.search(r"readNetwork\((\{.*\})\);$", page.read_text(encoding="utf8"), flags=re.M)[1])


def test_without_a_file_it_is_the_best_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(capsys=capsys).startswith("draw-digitnet-best.html: ")
    assert network_of(tmp_path / "draw-digitnet-best.html") == web_network(trained("digitnet-best"))


def test_takes_weights_a_checkpoint_and_an_exported_network(tmp_path, capsys):
    model, page = prepared(LeNet5(nn.MaxPool2d, nn.ReLU)), tmp_path / "page.html"
    torch.save(model.state_dict(), tmp_path / "lenet5-mnist.pt")
    save_checkpoint(tmp_path / "mine.pt", model)
    export_web(model, tmp_path / "mine.json", title="Mine")
    run(tmp_path / "lenet5-mnist.pt", "--output", page, capsys=capsys)
    assert network_of(page) == web_network(model)
    run(tmp_path / "mine.pt", "--recipe", "lenet5-mnist", "--output", page, capsys=capsys)
    assert network_of(page) == web_network(model)
    (tmp_path / "mine.json").rename(tmp_path / "MINE.JSON")
    run(tmp_path / "MINE.JSON", "--output", page, capsys=capsys)
    assert network_of(page) == web_network(model, title="Mine")


def test_a_checkpoint_says_how_its_images_were_prepared(tmp_path, capsys):
    model = LeNet5(nn.MaxPool2d, nn.ReLU)
    own = Preprocessing(tuple("ABCDEFGHIJ"), (0.5,), (0.25,), (32, 32))
    save_checkpoint(tmp_path / "letters.pt", model)
    state = torch.load(tmp_path / "letters.pt", weights_only=True)
    torch.save(state | {"preprocessing": own.as_dict()}, tmp_path / "letters.pt")
    run(tmp_path / "letters.pt", "--recipe", "lenet5-mnist", "--output", tmp_path / "page.html", capsys=capsys)
    network = network_of(tmp_path / "page.html")
    assert (network["classes"], network["input"]["mean"]) == (list("ABCDEFGHIJ"), [0.5])


def test_takes_a_recipe_in_colour(tmp_path, capsys):
    run("--recipe", "cifarnet-best", "--output", tmp_path / "page.html", capsys=capsys)
    network = network_of(tmp_path / "page.html")
    assert network == web_network(trained("cifarnet-best"))
    assert network["input"]["shape"] == [3, 32, 32]


def test_opens_the_page(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    main(["--output", str(tmp_path / "page.html")])
    assert opened == [(tmp_path / "page.html").as_uri()]
    assert "Open it in a browser" not in capsys.readouterr().out


def changed(**parts):
    """A file of a network in which some parts are others."""
    return json.dumps(web_network(prepared(LeNet5())) | parts).encode()


@pytest.mark.parametrize(
    ("name", "content", "options", "text"),
    [
        ("no.pt", None, ["--recipe", "digitnet-best"], "there is no checkpoint"),
        ("no.json", None, [], "No such file"),
        ("mine.pt", b"", [], "'mine' is no recipe. Say it with --recipe, one of: convnet-mnist, "),
        ("mine.pt", b"", ["--recipe", "resnet"], "'resnet' is no recipe"),
        ("digitnet-best.pt", b"weights", [], "is not a checkpoint: torch.save writes other files"),
        ("mine.json", b"{", [], "is not JSON"),
        ("mine.json", b"\xff\xfe", [], "is not JSON"),
        ("mine.json", b"[1]", [], "is not a network"),
        ("mine.json", b'{"a": 1}', [], "is not a network"),
        ("mine.json", b"[" * 200_000, [], "mine.json is not JSON"),
        ("mine.json", b'{"a": NaN}', [], "mine.json is not JSON: NaN is no number"),
    ],
)
def test_says_what_is_wrong_with_a_file(name, content, options, text, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit, match=re.escape(text)):
        main([str(tmp_path / name), *options, "--no-browser", "--output", str(tmp_path / "page.html")])
    assert not (tmp_path / "page.html").exists()


def test_a_name_that_cannot_be_written_leaves_the_page_from_before(tmp_path):
    (tmp_path / "mine.json").write_bytes(changed(name="\ud800"))
    (tmp_path / "page.html").write_text("before")
    with pytest.raises(SystemExit, match=r"mine\.json, or of its network, can't be written: .* Give it another name"):
        main([str(tmp_path / "mine.json"), "--no-browser", "--output", str(tmp_path / "page.html")])
    assert (tmp_path / "page.html").read_text() == "before"


def test_refuses_other_models_and_other_places(tmp_path):
    arguments = ["--no-browser", "--output", str(tmp_path / "page.html")]
    with pytest.raises(SystemExit, match="is a checkpoint of another model"):
        main([str(weights_file("digitnet-best")), "--recipe", "lenet5-mnist", *arguments])
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"page\.html can't be written"):
        main(["--no-browser", "--output", str(tmp_path / "file" / "page.html")])


def test_a_mistake_ends_with_a_status_that_is_not_0(tmp_path):
    command = [sys.executable, "-m", "cnncourse.pad", "nothing.json", "--no-browser"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing.json" in done.stderr
    assert "Traceback" not in done.stderr
