"""Keeping a model, or a whole training, in a file.

A checkpoint is one dict of tensors and plain values, so that loading one never runs code from it.
"""

import os
import pickle
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    history: list[dict] | None = None,
) -> None:
    """Write the state of a model, and of its training as far as given, with torch's random state.

    The file appears whole or not at all: a run that is stopped while it writes leaves the file from before.
    """
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict() if optimizer else None,
        "scheduler": scheduler.state_dict() if scheduler else None,
        "history": [dict(row) for row in history or []],
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as part:
        try:
            torch.save(state, part)
        except BaseException:
            part.close()
            os.unlink(part.name)
            raise
    os.replace(part.name, path)


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
    if "model" not in state:
        raise ValueError(f"{path} holds weights alone, not a training. Use load_weights.")
    _check_same_tensors(path, state["model"], model)
    for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
        if part is not None and state[name] is None:
            raise ValueError(f"{path} was saved without the {name}, so the training can't go on exactly")
    if optimizer is not None:
        try:
            optimizer.load_state_dict(state["optimizer"])
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path} was saved with another optimizer: {error}") from error
    if scheduler is not None:
        scheduler.load_state_dict(state["scheduler"])
    model.load_state_dict(state["model"])
    torch.set_rng_state(state["random"])
    if state["random_cuda"] and torch.cuda.device_count() == len(state["random_cuda"]):
        torch.cuda.set_rng_state_all(state["random_cuda"])
    return state["history"]


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Load a model's weights from a checkpoint, or from a file that holds its `state_dict` alone.

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
    return model


def _read(path: str | Path) -> dict:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "Weights only" in str(error):
            raise ValueError(
                f"{path} holds more than tensors and plain values, and loading it could run code that it brings. "
                "It was not loaded. Ask its author for the model's state_dict()."
            ) from error
        raise ValueError(_damaged(path)) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise ValueError(_damaged(path)) from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is not a checkpoint: it holds a {type(state).__name__}")
    return state


def _damaged(path: str | Path) -> str:
    return f"{path} is damaged or is not a checkpoint. Delete it and train again, or copy it anew."


def _check_same_tensors(path: str | Path, found: dict, model: nn.Module) -> None:
    """Raise an error that names the first tensor in which a file and a model differ."""
    wanted = model.state_dict()
    for name in [*wanted, *(name for name in found if name not in wanted)]:
        shapes = [_shape(tensors[name]) if name in tensors else "not there" for tensors in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{path} is a checkpoint of another model. The first tensor that differs is {name}: "
                f"in the file it is {shapes[0]}, in this {type(model).__name__} it is {shapes[1]}."
            )


def _shape(value: object) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return "×".join(map(str, value.shape)) or "a single number"
