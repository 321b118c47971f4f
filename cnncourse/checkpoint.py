"""Keeping a model, or a whole training, in a file.

A checkpoint is one dict of tensors and plain values, so that loading one never runs code from it.
"""

import io
import pickle
import zipfile
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse._files import write_whole
from cnncourse._text import by
from cnncourse.data import Preprocessing


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    history: list[dict] | None = None,
) -> None:
    """Write the state of a model, and of its training as far as given, with torch's random state.

    The file appears whole or not at all: a run that is stopped while it writes leaves the file from before.

    Raises:
        OSError: the file can't be written, for example because the disk is full. The file from before is still there.
    """
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict() if optimizer else None,
        "scheduler": scheduler.state_dict() if scheduler else None,
        "history": [dict(row) for row in history or []],
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getvalue())


def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
) -> list[dict]:
    """Bring a training back to the state that `save_checkpoint` wrote, with torch's random state.

    Returns:
        The history: a dict for each epoch that was trained.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds more than tensors and plain values, or is of another model or training.
            Nothing has been changed then.
    """
    state = _read(path)
    if not state.keys() >= {"model", "optimizer", "scheduler", "history", "random", "random_cuda"}:
        raise ValueError(f"{path} holds weights alone, not a training. Use load_weights.")
    _check_same_tensors(path, state["model"], model)
    for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
        if part is not None and state[name] is None:
            raise ValueError(f"{path} was saved without its {name}, so the training can't go on exactly.")
        if part is not None and not _same_kind(state[name], part):
            raise ValueError(f"{path} was saved with another {name} than {type(part).__name__}.")
    if optimizer is not None and scheduler is None and state["scheduler"] is not None:
        raise ValueError(f"{path} was saved with a scheduler, so the training can't go on exactly without one.")

    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])
    if scheduler is not None:
        scheduler.load_state_dict(state["scheduler"])
    model.load_state_dict(state["model"])
    torch.set_rng_state(state["random"])
    if state["random_cuda"] and torch.cuda.device_count() == len(state["random_cuda"]):
        torch.cuda.set_rng_state_all(state["random_cuda"])
    return state["history"]


def load_weights(path: str | Path, model: nn.Module) -> nn.Module:
    """Load a model's weights from a checkpoint, or from a file that holds its `state_dict` alone.

    Where the checkpoint says how the images were prepared, the model carries that as its `preprocessing`.

    Returns:
        The same model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds more than tensors and plain values, or is of another model.
    """
    state = _read(path)
    weights = state.get("model", state)
    _check_same_tensors(path, weights, model)
    model.load_state_dict(weights)
    if "model" in state and state.get("preprocessing"):
        model.preprocessing = Preprocessing.from_dict(state["preprocessing"])
    return model


def _read(path: str | Path) -> dict:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        with zipfile.ZipFile(path) as archive:  # what torch.save writes; torch.load does not look at its checksums
            if archive.testzip() is not None:
                raise zipfile.BadZipFile
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise ValueError(
            f"{path} is damaged or is not a checkpoint. Delete it and train again, or copy it anew."
        ) from error
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than tensors and plain values, and loading it could run code that it brings. "
            "It was not loaded. Ask its author for the model's state_dict()."
        ) from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is not a checkpoint: it holds a {type(state).__name__}.")
    return state


def _same_kind(state: dict, part: Optimizer | LRScheduler) -> bool:
    """Whether a saved state is of this kind of optimizer or scheduler: other kinds have other settings."""
    if isinstance(part, Optimizer):
        groups, ours = state["param_groups"], part.param_groups
        sizes = [[len(group["params"]) for group in each] for each in (groups, ours)]
        return sizes[0] == sizes[1] and all(group.keys() >= part.defaults.keys() for group in groups)
    return state.keys() == part.state_dict().keys()


def _check_same_tensors(path: str | Path, found: dict, model: nn.Module) -> None:
    """Raise an error that names the first tensor, or the first layer's setting, in which a file and a model differ."""
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{path} is not a checkpoint of a model: it holds no tensors by name.")
    wanted = model.state_dict()
    names = [*wanted, *(name for name in found if name not in wanted)]
    for name in sorted(names, key=lambda name: name.endswith("_extra_state")):  # the tensors first, in their order
        layer, _, last = name.rpartition(".")
        if last == "_extra_state" and found.get(name, wanted.get(name)) != wanted.get(name):
            raise ValueError(
                f"{path} is a checkpoint of another model. The first layer that differs is {layer}: "
                f"in the file it has {_pairs(found[name])}, in this {type(model).__name__} {_pairs(wanted[name])}."
            )
        shapes = [_shape(tensors[name]) if name in tensors else "not there" for tensors in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{path} is a checkpoint of another model. The first tensor that differs is {name}: "
                f"in the file it is {shapes[0]}, in this {type(model).__name__} it is {shapes[1]}."
            )


def _pairs(settings: dict) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items())


def _shape(value: object) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return by(value.shape) or "a single number"
