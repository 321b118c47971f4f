"""Reading files of weights, whoever wrote them, without running code from them."""

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnncourse._model import bare
from cnncourse._text import by

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how torch.save began before version 1.6
# How files of other formats begin, and what they are.
FORMATS = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: git lfs pull fetches it"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes them, not one of PyTorch"),
    (b"\x93NUMPY", "a NumPy array: numpy.load reads it"),
    (b"GGUF", "a GGUF file, as language models come in, not one of torch.save"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
DAMAGED = "damaged: not all of it is there, or not as it was written. Copy it anew, or delete it and train again"
# The names under which the weights lie in other people's checkpoints.
WEIGHTS = ("model", "model_state_dict", "state_dict", "model_state", "net", "network", "weights", "params")


def read(path: str | Path) -> dict[str, Any]:
    """Read what torch.save wrote, if it is tensors and plain values in a dict.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or of another format, or holds something else; says what.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}{': it is a folder' if path.is_dir() else ''}")
    with path.open("rb") as file:
        head = file.read(1000)
    if what := _other_format(path, head):
        raise ValueError(f"{path} is {what}.")
    if not head.startswith(LEGACY) and _archive_is_damaged(path):
        raise ValueError(f"{path} is {DAMAGED}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, OSError):
        raise
    except pickle.UnpicklingError as error:
        found = re.search(r"(?:GLOBAL|function|class|global:?) ([\w.]+\.[\w.]+)", str(error))
        raise ValueError(
            f"{path} holds more than tensors and plain values{f' ({found[1]})' if found else ''}, and loading it could "
            "run code that it brings. It was not loaded. Ask its author for the model's state_dict()."
        ) from error
    except Exception as error:  # torch has an error of another type for each place where a file may end
        raise ValueError(f"{path} is {DAMAGED}.") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is not a checkpoint: it holds a {type(state).__name__}.")
    return state


def fitting_weights(path: str | Path, state: dict[str, Any], model: nn.Module) -> dict[str, object]:
    """Return a file's weights under the names of the model.

    Raises:
        ValueError: the file holds none, or those of another model; names the first tensor that differs.
    """
    wanted = bare(model).state_dict()
    if not wanted and state.get("model") == {}:  # a model without a tensor
        return {}
    weights = _fitted(_weights_of(path, state), wanted)
    _check_same_tensors(path, weights, wanted, type(bare(model)).__name__)
    return weights


def _weights_of(path: str | Path, state: dict[str, Any]) -> dict[str, Any]:
    """Return the weights in what a file holds: the dict itself, or an entry of it.

    Raises:
        ValueError: there are none, or several; names the entries.
    """
    if _are_weights(state):
        return state
    found = [name for name in WEIGHTS if _are_weights(state.get(name))]
    others = [name for name, value in state.items() if _are_weights(value)]
    if not found and len(others) != 1:
        there = ", ".join(map(repr, state)) or "nothing"
        problem = "it holds several of them" if others else "it holds no tensors by name"
        raise ValueError(f"{path} is not a checkpoint of a model: {problem}. Its entries are {there}.")
    weights: dict[str, Any] = state[(found or others)[0]]
    return weights


def _fitted(weights: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """Return weights under a model's own names, where a wrapper or a trainer has put a word in front of all of them.

    `torch.compile` puts `_orig_mod.`, `DataParallel` puts `module.`, Lightning the name of the attribute. Where that
    gives no fit, the weights come back as they are.
    """
    ours = {plain_name(name): name for name in wanted}
    found = {plain_name(name): value for name, value in weights.items()}
    while found and found.keys() != ours.keys():
        prefixes = {name.partition(".")[0] if "." in name else None for name in found}
        if len(prefixes) != 1 or None in prefixes:
            return dict(weights)
        found = {name.partition(".")[2]: value for name, value in found.items()}
    return {ours[name]: value for name, value in found.items()}


def plain_name(name: str) -> str:
    """Return the name of a tensor without what `torch.compile` puts into it, at the front or for a layer inside."""
    return name.replace("_orig_mod.", "")


def _are_weights(value: object) -> bool:
    """Whether this is tensors by name, as a model's state_dict has them beside its layers' own entries."""
    return (
        isinstance(value, Mapping)
        and all(isinstance(name, str) for name in value)
        and any(isinstance(part, Tensor) for part in value.values())
        and all(isinstance(part, Tensor) for name, part in value.items() if not name.endswith("_extra_state"))
    )


def _other_format(path: Path, head: bytes) -> str:
    """Say what a file is that torch.save did not write; "" where it may be one of its files."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "empty: what wrote it was stopped, or the download failed"
    for magic, what in FORMATS:
        if head.startswith(magic):
            return what
    if head.startswith(b"PK"):
        return _other_archive(path)
    if head.startswith(LEGACY):
        return ""
    if text.startswith((b"<!doctype html", b"<html", b"<?xml", b"<error")):
        return "a page of the web: the download gave a page, perhaps an error message, in place of the file"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return (
            "a safetensors file, which another library reads: pip install safetensors, then "
            "model.load_state_dict(safetensors.torch.load_file(path))"
        )
    if text.startswith((b"{", b"[")):
        return "text in JSON, not a file of torch.save"
    if path.suffix == ".onnx" or (head[:1] == b"\x08" and (b"pytorch" in head[:64] or b"onnx" in head[:64])):
        return "an ONNX file: it holds a network for other programs, not the weights by their names here"
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite file, not one of PyTorch"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if head[:1] == b"\x80" and head[1] in range(2, 6):
        return "a Python pickle, and loading it could run code that it brings. It was not loaded"
    return "not a checkpoint: torch.save writes other files"


def _other_archive(path: Path) -> str:
    """Say what a ZIP archive is that torch.save did not write."""
    if not zipfile.is_zipfile(path):
        return DAMAGED
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "a TorchScript model, which brings its own code: torch.jit.load(path).state_dict() gives its weights, if "
            "you trust it"
        )
    if any(name.endswith("/data.pkl") for name in names):
        return ""
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays: numpy.load reads it"
    if "model.weights.h5" in names:
        return "a model of Keras, not one of PyTorch"
    return "a ZIP archive of other files: unpack it first"


def _archive_is_damaged(path: Path) -> bool:
    """Look at the checksums of an archive, which torch.load does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return True


def _check_same_tensors(path: str | Path, found: dict[str, Any], wanted: dict[str, Any], model: str) -> None:
    """Raise an error that names the first tensor, or the first layer's setting, in which a file and a model differ."""
    names = [*wanted, *(name for name in found if name not in wanted)]
    tensors_first = sorted(names, key=lambda name: name.endswith("_extra_state"))
    shapes = {name: (_shape(found.get(name)), _shape(wanted.get(name))) for name in names}
    differ = [name for name in tensors_first if shapes[name][0] != shapes[name][1]]
    if differ:
        first, (theirs, ours) = differ[0], (shape or "not there" for shape in shapes[differ[0]])
        some_fit = 1 < len(differ) < len(names)
        raise ValueError(
            f"{path} is a checkpoint of another model. The first tensor that differs is {first}: "
            f"in the file it is {theirs}, in this {model} it is {ours}.{_all_that_differ(differ, shapes) * some_fit}"
        )


def _all_that_differ(names: list[str], shapes: dict[str, tuple[str | None, str | None]]) -> str:
    names = [name for name in names if not name.endswith("_extra_state")]
    kinds = {
        "Missing in the file": [name for name in names if shapes[name][0] is None],
        "Not in the model": [name for name in names if shapes[name][1] is None],
        "Of another shape": [name for name in names if None not in shapes[name]],
    }
    return "".join(
        f" {kind}: {', '.join(some[:3])}{f' and {len(some) - 3} more' if len(some) > 3 else ''}."
        for kind, some in kinds.items()
        if some
    )


def _shape(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return by(value.shape) or "a single number"
