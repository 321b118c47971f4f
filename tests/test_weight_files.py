"""Files of other formats are called by their names, and weights under other names are found."""

import argparse
import io
import json
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from torch import nn

from cnncourse.checkpoint import load_checkpoint, load_weights, save_checkpoint
from cnncourse.models import LeNet5


def torch_file(content: object, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def archive(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, value in files.items():
            file.writestr(name, value)
    return content.getvalue()


def arrays(**values) -> bytes:
    content = io.BytesIO()
    np.savez(content, **values)
    return content.getvalue()


def one_array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


def script() -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: it is deprecated, but such files are around
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), content)
    return content.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


def one_bit(content: bytes) -> bytes:
    flipped = bytearray(content)
    flipped[content.index(b"data/0") + 500] ^= 1
    return bytes(flipped)


WHOLE, LEGACY = torch_file(LeNet5().state_dict()), torch_file(LeNet5().state_dict(), legacy=True)
DAMAGED = r"damaged: not all of it is there, or not as it was written\. Copy it anew, or delete it and train again\."
FILES = {
    "half": (WHOLE[: len(WHOLE) // 2], DAMAGED),
    "almost whole": (WHOLE[:-10], DAMAGED),
    "its first bytes": (WHOLE[:4], DAMAGED),
    "one bit": (one_bit(WHOLE), DAMAGED),
    "half of an old one": (LEGACY[: len(LEGACY) // 2], DAMAGED),
    "an old one, almost whole": (LEGACY[:-3], DAMAGED),
    "the head of an old one": (LEGACY[:30], DAMAGED),
    "empty": (b"", "empty: what wrote it was stopped, or the download failed"),
    "zeros": (bytes(1000), "not a checkpoint"),
    "garbage": (np.random.default_rng(0).bytes(1000), "not a checkpoint"),
    "text": (b"Dear Sir or Madam", "not a checkpoint"),
    "safetensors": (safetensors(), r"a safetensors file, which another library reads: pip install safetensors, then "),
    "empty safetensors": (b"\x02\0\0\0\0\0\0\0{}", "a safetensors file"),
    "TorchScript": (script(), r"a TorchScript model, .*torch\.jit\.load\(path\)\.state_dict\(\) gives its weights"),
    "npz": (arrays(a=np.zeros(3)), r"an archive of NumPy arrays: numpy\.load reads it"),
    "npy": (one_array(), r"a NumPy array: numpy\.load reads it"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file, as Keras writes them, not one of PyTorch"),
    "Keras": (archive(**{"config.json": b"{}", "model.weights.h5": b"."}), "a model of Keras, not one of PyTorch"),
    "ZIP": (archive(**{"weights/lenet5.pt": WHOLE}), "a ZIP archive of other files: unpack it first"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.6.0:", "an ONNX file: it holds a network for other programs"),
    "pickle": (pickle.dumps({"weight": [1, 2]}), "a Python pickle, and loading it could run code that it brings"),
    "JSON": (b' {"layers": []}', r"text in JSON, not a file of torch\.save"),
    "HTML": (b"\n<!DOCTYPE html><html>Not found</html>", "a page of the web: the download gave a page"),
    "XML": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "a page of the web"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS, .*git lfs pull fetches it"),
    "gzip": (b"\x1f\x8b\x08" + bytes(50), "compressed with gzip: unpack it first"),
    "tar": (b"weights.pt".ljust(257, b"\0") + b"ustar" + bytes(300), "a tar archive: unpack it first"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(50), "a GGUF file"),
}


@pytest.mark.parametrize("load", [load_weights, load_checkpoint])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_checkpoint(tmp_path, load, name):
    content, what = FILES[name]
    path, model = tmp_path / "lenet5.pt", LeNet5()
    path.write_bytes(content)
    before = model.features[0].weight.clone()
    with pytest.raises(ValueError, match=rf"lenet5\.pt is {what}") as told:
        load(path, model)
    assert ("delete it" in str(told.value)) == (what is DAMAGED)
    assert str(told.value)[-1] in ".)"
    assert torch.equal(before, model.features[0].weight)


class Own(dict):
    pass


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (LeNet5(), r"cnncourse\.models\.workshop\.LeNet5"),
        ({"model": LeNet5().state_dict(), "f1": np.float64(1)}, r"numpy\._core\.multiarray\.scalar"),
        ({"state_dict": LeNet5().state_dict(), "args": argparse.Namespace(lr=1)}, r"argparse\.Namespace"),
        ({"state_dict": LeNet5().state_dict(), "root": PurePosixPath("a")}, r"pathlib\.PurePosixPath"),
        (Own(), r"test_weight_files\.Own"),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_what_a_file_holds_beside_plain_values_is_named(tmp_path, content, named, legacy):
    (tmp_path / "model.pt").write_bytes(torch_file(content, legacy))
    with pytest.raises(
        ValueError, match=rf"holds more than tensors and plain values \(.*{named}\), and loading it could"
    ):
        load_weights(tmp_path / "model.pt", LeNet5())


def prefixed(weights: dict, *prefixes: str) -> dict:
    return OrderedDict(("".join(prefixes) + name, value) for name, value in weights.items())


MODEL = LeNet5()
WEIGHTS = MODEL.state_dict()
SAME = {
    "plain": WEIGHTS,
    "a dict": dict(WEIGHTS),
    "parameters": {name: nn.Parameter(value) for name, value in WEIGHTS.items()},
    "halves": {name: value.double() for name, value in WEIGHTS.items()},
    "DataParallel": prefixed(WEIGHTS, "module."),
    "torch.compile": prefixed(WEIGHTS, "_orig_mod."),
    "compiled, parallel": prefixed(WEIGHTS, "module.", "_orig_mod."),
    "parallel, compiled": prefixed(WEIGHTS, "_orig_mod.", "module."),
    "Lightning": {"epoch": 3, "global_step": 9, "state_dict": prefixed(WEIGHTS, "model."), "loops": {}},
    "an attribute": prefixed(WEIGHTS, "net."),
    "attributes": prefixed(WEIGHTS, "trainer.model."),
    "model_state_dict": {
        "epoch": 1,
        "model_state_dict": WEIGHTS,
        "optimizer_state_dict": {"state": {}, "param_groups": []},
    },
    "state_dict": {"state_dict": WEIGHTS},
    "model": {"model": WEIGHTS, "args": {"lr": 0.1}},
    "net": {"net": WEIGHTS, "acc": 99.0, "epoch": 3},
    "weights": {"weights": prefixed(WEIGHTS, "module.")},
    "another word": {"cnn": WEIGHTS, "loss": 0.3},
    "beside an average": {"model": WEIGHTS, "model_ema": prefixed(WEIGHTS, "module."), "iteration": 4},
    "beside other tensors": {"state_dict": WEIGHTS, "losses": torch.zeros(3)},
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", SAME)
def test_weights_under_other_names(tmp_path, name, legacy):
    (tmp_path / "model.pt").write_bytes(torch_file(SAME[name], legacy))
    model = load_weights(tmp_path / "model.pt", LeNet5())
    assert all(torch.equal(value, WEIGHTS[name]) for name, value in model.state_dict().items())


def test_a_model_whose_own_names_begin_alike(tmp_path):
    model, other = nn.Sequential(OrderedDict(model=LeNet5())), nn.Sequential(OrderedDict(model=LeNet5()))
    torch.save(model.state_dict(), tmp_path / "model.pt")
    load_weights(tmp_path / "model.pt", other)
    assert torch.equal(other.model.features[0].weight, model.model.features[0].weight)


OTHER_HEAD = {"classifier.4.weight": torch.ones(5, 84), "classifier.4.bias": torch.ones(5)}
MISSING = r"features\.0\.weight: in the file it is not there"
OTHER = {
    "a part": (
        {name: WEIGHTS[name] for name in list(WEIGHTS)[:4]},
        r"classifier\.0\.weight: in the file it is not there, in this LeNet5 it is 120×400\. "
        r"Missing in the file: classifier\.0\.weight, classifier\.0\.bias, classifier\.2\.weight and 3 more\.$",
    ),
    "two prefixes": (prefixed(WEIGHTS, "model.") | {"loss.weight": torch.ones(3)}, MISSING),
    "one more": (WEIGHTS | {"extra": torch.ones(3)}, r"extra: in the file it is 3, in this LeNet5 it is not there\.$"),
    "another head": (
        WEIGHTS | OTHER_HEAD,
        r"classifier\.4\.weight: in the file it is 5×84, in this LeNet5 it is 10×84\. "
        r"Of another shape: classifier\.4\.weight, classifier\.4\.bias\.$",
    ),
    "a prefix too many": (prefixed(nn.Linear(2, 2).state_dict(), "model."), MISSING),
}


@pytest.mark.parametrize("name", OTHER)
def test_weights_of_another_model(tmp_path, name):
    state, difference = OTHER[name]
    torch.save(state, tmp_path / "model.pt")
    model = LeNet5()
    before = model.features[0].weight.clone()
    with pytest.raises(ValueError, match=rf"another model\. The first tensor that differs is {difference}"):
        load_weights(tmp_path / "model.pt", model)
    assert torch.equal(before, model.features[0].weight)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "it holds no tensors by name. Its entries are nothing"),
        ({"epoch": 3, "loss": 0.5}, "it holds no tensors by name. Its entries are 'epoch', 'loss'"),
        ({"generator": WEIGHTS, "critic": WEIGHTS}, "it holds several of them. Its entries are 'generator', 'critic'"),
        ({3: torch.ones(2)}, "it holds no tensors by name. Its entries are 3"),
    ],
)
def test_a_file_without_the_weights_of_one_model(tmp_path, content, told):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=rf"model\.pt is not a checkpoint of a model: {told}"):
        load_weights(tmp_path / "model.pt", LeNet5())


def test_another_trainers_checkpoint_is_no_training_of_ours(tmp_path):
    torch.save({"model": WEIGHTS, "optimizer": {}, "epoch": 3}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"holds weights alone, not a training\. Use load_weights"):
        load_checkpoint(tmp_path / "model.pt", LeNet5())


def test_a_folder(tmp_path):
    save_checkpoint(tmp_path / "folder" / "model.pt", LeNet5())
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint .*folder: it is a folder$"):
        load_weights(tmp_path / "folder", LeNet5())
