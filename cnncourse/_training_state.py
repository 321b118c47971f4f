"""What of a training goes into a checkpoint, and what tells one training from another."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from cnncourse._model import bare
from cnncourse._weight_files import plain_name

# How an optimizer computes, and what it holds: no setting of the method.
NO_SETTINGS = {"params", "param_names", "foreach", "fused", "capturable", "differentiable"}
# What a scheduler of torch changes as it goes.
MOVING = {"last_epoch", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i", "verbose", "lr_lambdas"}
PRIVATE_SETTINGS = {"_milestones", "_schedule_phases", "_anneal_func_type"}


def plain(value: Any, name: str) -> Any:
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
        pairs = [(plain(key, f"a key of {name}"), plain(part, f"{name}[{key!r}]")) for key, part in value.items()]
        found: Any = next((kind for kind in (Counter, OrderedDict) if isinstance(value, kind)), dict)(dict(pairs))
        if hasattr(value, "_metadata"):
            found._metadata = value._metadata
        return found
    for kind in (tuple, list, set):
        if isinstance(value, kind):
            return kind([plain(part, f"{name}[{place}]") for place, part in enumerate(value)])
    raise TypeError(
        f"a checkpoint keeps tensors and plain values only, so that loading one never runs code, but {name} is a "
        f"{type(value).__name__}"
    )


def settings_of(model: nn.Module, optimizer: Optimizer | None, scheduler: LRScheduler | None) -> dict[str, Any]:
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


def check_same_training(
    path: str | Path,
    state: dict[str, Any],
    model: nn.Module,
    optimizer: Optimizer | None,
    scheduler: LRScheduler | None,
) -> None:
    """Raise an error that names the first setting in which a file and the parts of a training differ."""
    for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
        if part is not None and state[name] is None:
            raise ValueError(f"{path} was saved without its {name}, so the training can't go on exactly.")
    if optimizer is not None and scheduler is None and state["scheduler"] is not None:
        raise ValueError(f"{path} was saved with a scheduler, so the training can't go on exactly without one.")
    ours = plain(settings_of(model, optimizer, scheduler), "settings")
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
