"""Keeping a model, or a whole training, in a file.

A checkpoint is one dict of tensors and plain values, so that loading one never runs code from it. Whatever is written
can be read again: numbers of NumPy become plain ones, and what can't be kept so is refused before it is written.
"""

import io
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse._files import write_whole
from cnncourse._model import bare, carry
from cnncourse._text import by
from cnncourse._weight_files import fitted, plain_name, read, weights_of
from cnncourse.data import Preprocessing

# How an optimizer computes, and what it holds: no setting of the method.
NO_SETTINGS = {"params", "param_names", "foreach", "fused", "capturable", "differentiable"}
# What a scheduler of torch changes as it goes.
MOVING = {"last_epoch", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i", "verbose", "lr_lambdas"}
PRIVATE_SETTINGS = {"_milestones", "_schedule_phases", "_anneal_func_type"}


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    history: list[dict] | None = None,
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
) -> list[dict]:
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
    weights = _fitting_weights(path, state, model)
    _check_same_training(path, state, model, optimizer, scheduler)
    if epochs is not None and len(state["history"]) > epochs:
        raise ValueError(
            f"{path} holds {len(state['history'])} epochs, more than the {epochs} of this training. Ask for more "
            "epochs, or delete the file to train anew."
        )
    parts = [(optimizer, state["optimizer"]), (scheduler, state["scheduler"])]
    _load_all(path, [(bare(model), weights), *((part, saved) for part, saved in parts if part is not None)])
    _set_preprocessing(model, state)
    _set_random_state(state)
    history: list[dict] = state["history"]
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
    _load_all(path, [(bare(model), _fitting_weights(path, state, model))])
    _set_preprocessing(model, state)
    return model


def check_can_be_saved(model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None) -> None:
    """Raise the TypeError of `save_checkpoint` now, not after an epoch of training."""
    _state(model, optimizer, scheduler, [])


def _state(model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None, history: list | None) -> dict:
    model = bare(model)
    weights = model.state_dict()  # an OrderedDict that also has the versions of the layers
    for name in list(weights):
        if plain_name(name) != name:
            weights[plain_name(name)] = weights.pop(name)
    preprocessing = getattr(model, "preprocessing", None)
    state = {
        "optimizer": optimizer.state_dict() if optimizer else None,
        "scheduler": scheduler.state_dict() if scheduler else None,
        "settings": _settings(model, optimizer, scheduler),
        "history": [dict(row) for row in history or []],
        "preprocessing": preprocessing.as_dict() if isinstance(preprocessing, Preprocessing) else None,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "random_mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
    }
    return {"model": _plain(weights, "model"), **{name: _plain(value, name) for name, value in state.items()}}


def _plain(value: Any, name: str) -> Any:
    """Return a value as tensors and plain values; names the first thing that can't be kept so."""
    if isinstance(value, Tensor):
        return value if type(value) is Tensor else value.detach().as_subclass(Tensor)
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufcU":
        return value.tolist()
    if value is None or type(value) in (bool, int, float, complex, str, bytes, torch.Size, torch.device, torch.dtype):
        return value
    for number in (int, float, str):  # a number or a word of somebody's own type, as an enum's
        if isinstance(value, number):
            return number(value)
    if isinstance(value, Mapping):
        pairs = [(_plain(key, f"a key of {name}"), _plain(part, f"{name}[{key!r}]")) for key, part in value.items()]
        found: Any = next((kind for kind in (Counter, OrderedDict) if isinstance(value, kind)), dict)(dict(pairs))
        if hasattr(value, "_metadata"):
            found._metadata = value._metadata
        return found
    for kind in (tuple, list, set):
        if isinstance(value, kind):
            return kind([_plain(part, f"{name}[{place}]") for place, part in enumerate(value)])
    raise TypeError(
        f"a checkpoint keeps tensors and plain values only, so that loading one never runs code, but {name} is a "
        f"{type(value).__name__}"
    )


def _settings(model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None) -> dict:
    """Describe how optimizer and scheduler were made, whatever they have done since."""
    return {
        "optimizer": _optimizer_settings(bare(model), optimizer, scheduler) if optimizer else None,
        "scheduler": _scheduler_settings(scheduler) if scheduler else None,
    }


def _optimizer_settings(model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler | None) -> dict[str, object]:
    names = {id(parameter): plain_name(name) for name, parameter in model.named_parameters()}
    settings: dict[str, Any] = {
        "class": type(optimizer).__name__,
        "number of parameter groups": len(optimizer.param_groups),
    }
    settings |= getattr(optimizer, "defaults", {})
    if isinstance(settings.get("lr"), Tensor):  # a scheduler changes it in place
        del settings["lr"]
    for number, group in enumerate(optimizer.param_groups, 1):
        settings[f"number of tensors in group {number}"] = len(group["params"])
        for place, parameter in enumerate(group["params"], 1):
            settings[f"tensor {place} in group {number}"] = names.get(id(parameter), "none of the model")
        # A scheduler changes the learning rate, and may change the momentum: the defaults have what they began with.
        moving = {"lr"} if scheduler or "initial_lr" in group else set()
        moving |= {"momentum", "betas"} if "base_momentum" in group else set()
        settings |= {f"{key} of group {number}": value for key, value in group.items() if key not in moving}
    return {key: value for key, value in settings.items() if key.split(" of group ")[0] not in NO_SETTINGS}


def _scheduler_settings(scheduler: LRScheduler) -> dict[str, object]:
    settings: dict[str, Any] = {"class": type(scheduler).__name__}
    if type(scheduler).__module__ == LRScheduler.__module__:  # of others it is not known what changes as they go
        settings |= {
            key: value
            for key, value in scheduler.state_dict().items()
            if key not in MOVING and (not key.startswith("_") or key in PRIVATE_SETTINGS)
        }
    if functions := getattr(scheduler, "lr_lambdas", None):  # they can be told apart by their names only
        settings["functions"] = [getattr(each, "__name__", type(each).__name__) for each in functions]
    for number, inner in enumerate(getattr(scheduler, "_schedulers", ()), 1):
        settings |= {f"{key} of scheduler {number}": value for key, value in _scheduler_settings(inner).items()}
    return settings


def _check_same_training(
    path: str | Path, state: dict, model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None
) -> None:
    """Raise an error that names the first setting in which a file and the parts of a training differ."""
    for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
        if part is not None and state[name] is None:
            raise ValueError(f"{path} was saved without its {name}, so the training can't go on exactly.")
    if optimizer is not None and scheduler is None and state["scheduler"] is not None:
        raise ValueError(f"{path} was saved with a scheduler, so the training can't go on exactly without one.")
    ours = _plain(_settings(model, optimizer, scheduler), "settings")
    for name in ("optimizer", "scheduler"):
        if ours[name] is not None and "settings" not in state:
            raise ValueError(
                f"{path} was written by an older version, which did not keep the settings of the {name}, so the "
                "training can't go on exactly. load_weights takes its weights."
            )
        for key, value in (ours[name] or {}).items():
            found = state["settings"][name].get(key, value)
            if found != value:
                raise ValueError(
                    f"{path} was saved with another {name} than this {ours[name]['class']}: {key} is {found} in the "
                    f"file, {value} here. A training goes on with the parts that it began with: make the {name} as it "
                    "was; or delete the file, or give another, to train anew."
                )


def _fitting_weights(path: str | Path, state: dict, model: nn.Module) -> dict[str, object]:
    """Return a file's weights under the names of the model."""
    wanted = bare(model).state_dict()
    if not wanted and state.get("model") == {}:  # a model without a tensor
        return {}
    weights = fitted(weights_of(path, state), wanted)
    _check_same_tensors(path, weights, wanted, type(bare(model)).__name__)
    return weights


def _check_same_tensors(path: str | Path, found: dict, wanted: dict, model: str) -> None:
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


def _load_all(path: str | Path, parts: list[tuple[Any, dict]]) -> None:
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


def _other_layer(model: nn.Module, weights: dict) -> str:
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


def _set_preprocessing(model: nn.Module, state: dict) -> None:
    if isinstance(values := state.get("preprocessing"), dict):
        carry(model, Preprocessing.from_dict(values))


def _set_random_state(state: dict) -> None:
    torch.set_rng_state(state["random"])
    if state["random_cuda"] and torch.cuda.device_count() == len(state["random_cuda"]):
        torch.cuda.set_rng_state_all(state["random_cuda"])
    if state.get("random_mps") is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["random_mps"])


def _check_order_of_arguments(function: str, path: object, model: object) -> None:
    if isinstance(path, nn.Module) or not isinstance(model, nn.Module):
        raise TypeError(f"{function}(path, model, …) takes the file's path first, then the model")


def _pairs(settings: dict) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items())


def _shape(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return by(value.shape) or "a single number"
