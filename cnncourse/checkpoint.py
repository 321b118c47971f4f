"""Keeping a model, or a whole training, in a file.

A checkpoint is one dict of tensors and plain values, so that loading one never runs code from it. Whatever is written
can be read again: numbers of NumPy become plain ones, and what can't be kept so is refused before it is written.
"""

import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse._files import write_whole
from cnncourse._model import bare, carry
from cnncourse._training_state import check_same_training, plain, settings_of
from cnncourse._weight_files import fitting_weights, plain_name, read
from cnncourse.data import Preprocessing


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    history: list[dict[str, Any]] | None = None,
) -> None:
    """Write the state of a model, and of its training as far as given, with torch's random state.

    What `torch.compile` or `DataParallel` put around the model is not kept, so that the model alone can load the file.
    A model's `preprocessing`, how its images were prepared, is. The file appears whole or not at all: a run that is
    stopped while it writes leaves the file from before.

    Raises:
        TypeError: something in the state is no tensor and no plain value; names it. Nothing has been written.
        OSError: the file can't be written, for example because the disk is full. The file from before is still there.
    """
    _check_order_of_arguments("save_checkpoint", path, model)
    content = io.BytesIO()
    torch.save(_state(model, optimizer, scheduler, history), content)
    write_whole(path, content.getvalue())


def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    *,
    epochs: int | None = None,
) -> list[dict[str, Any]]:
    """Bring a training back to the state that `save_checkpoint` wrote, with torch's random state.

    Optimizer and scheduler must be made as they were for the training that was saved: of the same class, with the same
    settings. `model.preprocessing` becomes what it was.

    Args:
        path: of the file.
        model, optimizer, scheduler: what was saved, made anew.
        epochs: how many epochs the training is to have in all, where that is known.

    Returns:
        The history: a dict for each epoch that was trained.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or of another format, holds more than tensors and plain values, is of another
            model or training, or of a longer one; says what differs. Nothing has been changed then.
    """
    _check_order_of_arguments("load_checkpoint", path, model)
    state = read(path)
    if not state.keys() >= {"model", "optimizer", "scheduler", "history", "random", "random_cuda"}:
        raise ValueError(f"{path} holds weights alone, not a training. Use load_weights.")
    weights = fitting_weights(path, state, model)
    check_same_training(path, state, model, optimizer, scheduler)
    if epochs is not None and len(state["history"]) > epochs:
        raise ValueError(
            f"{path} holds {len(state['history'])} epochs, more than the {epochs} of this training. Ask for more "
            "epochs, or delete the file to train anew."
        )
    parts = [(optimizer, state["optimizer"]), (scheduler, state["scheduler"])]
    _load_all(path, [(bare(model), weights), *((part, saved) for part, saved in parts if part is not None)])
    _set_preprocessing(model, state)
    _set_random_state(state)
    history: list[dict[str, Any]] = state["history"]
    return history


def load_weights(path: str | Path, model: nn.Module) -> nn.Module:
    """Load a model's weights from a checkpoint, or from a file that holds its `state_dict` alone.

    The names may begin with what `torch.compile`, `DataParallel` or a trainer put there, and the weights may lie in an
    entry such as "model_state_dict". If the file tells how the images were prepared, `model.preprocessing` becomes it.

    Returns:
        The same model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or of another format, holds more than tensors and plain values, or is of another
            model; says what differs. Nothing has been changed then.
    """
    _check_order_of_arguments("load_weights", path, model)
    state = read(path)
    _load_all(path, [(bare(model), fitting_weights(path, state, model))])
    _set_preprocessing(model, state)
    return model


def check_can_be_saved(model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None) -> None:
    """Raise the TypeError of `save_checkpoint` now, not after an epoch of training."""
    _state(model, optimizer, scheduler, [])


def _state(
    model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None, history: list[dict[str, Any]] | None
) -> dict[str, Any]:
    model = bare(model)
    weights = model.state_dict()  # an OrderedDict that also has the versions of the layers
    for name in list(weights):
        if plain_name(name) != name:
            weights[plain_name(name)] = weights.pop(name)
    preprocessing = getattr(model, "preprocessing", None)
    state = {
        "optimizer": optimizer.state_dict() if optimizer else None,
        "scheduler": scheduler.state_dict() if scheduler else None,
        "settings": settings_of(model, optimizer, scheduler),
        "history": [dict(row) for row in history or []],
        "preprocessing": preprocessing.as_dict() if isinstance(preprocessing, Preprocessing) else None,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "random_mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
    }
    return {"model": plain(weights, "model"), **{name: plain(value, name) for name, value in state.items()}}


def _load_all(path: str | Path, parts: list[tuple[Any, dict[str, Any]]]) -> None:
    """Let each part load what was saved of it, or none."""
    before = [_copied(part.state_dict()) for part, _ in parts]
    try:
        for part, saved in parts:
            part.load_state_dict(saved)
    except Exception as error:
        for (part, _), old in zip(parts, before, strict=True):
            part.load_state_dict(old)
        raise ValueError(f"{path} {_other_layer(*parts[0]) or f'does not fit: {error}'}") from error


def _copied(state: Any) -> Any:
    """Copy the tensors in a state, of whatever type."""
    if isinstance(state, Tensor):
        return state.detach().clone()
    if isinstance(state, dict):
        return type(state)((name, _copied(value)) for name, value in state.items())
    return [_copied(value) for value in state] if type(state) is list else state


def _other_layer(model: nn.Module, weights: dict[str, Any]) -> str:
    """Name the first layer with other settings than the file's, as the norms of `cnncourse.models` keep them."""
    for name, ours in model.state_dict().items():
        theirs = weights.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict) and str(ours) != str(theirs):
            layer, kind = name.removesuffix("._extra_state"), type(model).__name__
            return (
                f"is a checkpoint of another model. The first layer that differs is {layer}: "
                f"in the file it has {_pairs(theirs)}, in this {kind} {_pairs(ours)}."
            )
    return ""


def _set_preprocessing(model: nn.Module, state: dict[str, Any]) -> None:
    if isinstance(values := state.get("preprocessing"), dict):
        carry(model, Preprocessing.from_dict(values))


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["random"])
    if state["random_cuda"] and torch.cuda.device_count() == len(state["random_cuda"]):
        torch.cuda.set_rng_state_all(state["random_cuda"])
    if state.get("random_mps") is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["random_mps"])


def _check_order_of_arguments(function: str, path: object, model: object) -> None:
    if isinstance(path, nn.Module) or not isinstance(model, nn.Module):
        raise TypeError(f"{function}(path, model, …) takes the file's path first, then the model")


def _pairs(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items())
