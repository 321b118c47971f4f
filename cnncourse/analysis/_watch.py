"""Watching the layers of a network at work."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from cnncourse._checks import forward
from cnncourse._model import bare, device_of, evaluating, on_device


class Call(NamedTuple):
    """A layer at work; it goes on if it got the output of the layer before, or at first the images."""

    name: str
    layer: nn.Module
    goes_on: bool
    input_shape: tuple[int, ...]
    output: Tensor

    @property
    def type(self) -> str:
        return type_before_parametrizations(self.layer).__name__


class Watched(NamedTuple):
    """What the layers did, in the order in which they finished, and which parameters were computed with."""

    calls: list[Call]
    used: set[nn.Parameter]


def watch(model: nn.Module, input_shape: tuple[int, ...]) -> Watched:
    """Send two empty images through the model.

    As torchsummary does, it takes all modules but the model as a whole and Sequentials for layers.
    """
    model = bare(model)
    calls: list[Call] = []
    entered: list[tuple[bool, tuple[int, ...]]] = []
    before: tuple[Tensor, int]  # the last output, or the images, and its version

    def enter(layer: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        given = next(iter([*arguments, *keywords.values()]), None)
        entered.append((_is_same(given, *before), tuple(getattr(given, "shape", ()))))

    def leave(name: str, layer: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
        nonlocal before
        check_tensor(name, layer, output)
        output = output.contiguous()  # so that flattening it makes a view, which can be recognised, and no copy
        calls.append(Call(name, layer, *entered.pop(), output))
        if is_leaf(layer):  # what a block does besides calling its layers counts as a step between them
            before = output, output._version
        return output

    with at_work(model) as layers, torch.no_grad():
        images = on_device(model, torch.zeros(2, *input_shape))
        before = images, images._version
        handles = []
        try:
            for name, layer in layers.items():
                if not isinstance(layer, nn.Sequential) and (layer is not model or is_leaf(model)):
                    handles.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
                    handles.append(layer.register_forward_hook(partial(leave, name)))
            with _Used() as seen:
                forward(model, images)
        finally:
            for handle in handles:
                handle.remove()
    return Watched(calls, seen.parameters)


@contextmanager
def at_work(model: nn.Module) -> Iterator[dict[str, nn.Module]]:
    """Give a model's layers by name, ready to be watched: in evaluation mode, each called, also where it was compiled.

    Afterwards the modes of the layers and torch's random numbers are as they were.

    Raises:
        ValueError: the layers of this model cannot be watched, or it doesn't take a batch of images.
    """
    _refuse(model)
    device = device_of(model)
    parallel = [(part, part.device_ids) for part in model.modules() if isinstance(part, nn.DataParallel)]
    compiled = "torch._dynamo" in sys.modules
    with (
        evaluating(model),
        torch.inference_mode(False),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.compiler.set_stance("force_eager") if compiled else nullcontext(),
    ):
        try:
            for part, _ in parallel:
                part.device_ids = []  # not divided over several GPUs
            yield dict(named_layers(model))
        finally:
            for part, devices in parallel:
                part.device_ids = devices


def is_leaf(layer: nn.Module) -> bool:
    """Return whether a layer is made of no others; what computes its weights (torch's parametrizations) is none."""
    return all(name == "parametrizations" for name, _ in layer.named_children())


def own_parameters(layer: nn.Module) -> dict[str, nn.Parameter]:
    """A layer's parameters by name without those of the layers in it, but with those that its weights are made of."""
    names = dict(layer.named_parameters(recurse=False))
    return names | {
        f"parametrizations.{name}": parameter
        for name, parameter in getattr(layer, "parametrizations", nn.Module()).named_parameters()
    }


def check_tensor(name: str, layer: nn.Module, output: object) -> None:
    """Refuse a layer that gives something else than one tensor."""
    if not isinstance(output, Tensor):
        raise ValueError(f"{name} ({type(layer).__name__}) gives a {type(output).__name__}, not one tensor")


def named_layers(
    model: nn.Module, name: str = "", seen: set[nn.Module] | None = None
) -> Iterator[tuple[str, nn.Module]]:
    """As `named_modules`, but with the names of the model as it was written, not compiled or made parallel."""
    model, seen = bare(model), set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    yield name, model
    for child, layer in model.named_children():
        if child != "parametrizations":
            yield from named_layers(layer, f"{name}.{child}" if name else child, seen)


def _refuse(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        found = f"the class {model.__name__}; {model.__name__}() is a model" if isinstance(model, type) else type(model)
        raise TypeError(f"give a model, a torch.nn.Module, not {found}")
    name = type(model).__name__
    for part in model.modules():
        nodes = part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ()
        if isinstance(part, torch.jit.ScriptModule) or any(isinstance(node.target, OpOverload) for node in nodes):
            raise ValueError(
                f"the layers of this model ({type(part).__name__}) can't be watched: TorchScript and torch.export turn "
                "them into operations. Give the model that it was made from."
            )
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise ValueError(
            f"{name} has layers that take their shapes from the first batch, and it has not seen one. Run it once "
            "before, for example model(images[:2])."
        )
    try:
        inspect.signature(model.forward).bind(None)
    except TypeError as error:
        raise ValueError(
            f"a model is called with one batch of images, but {name}.forward takes "
            f"{inspect.signature(model.forward)}: {error}"
        ) from error


class _Used(TorchFunctionMode):
    """Sees which parameters become a part of a tensor; reading a shape or a device is no use of them."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: set[nn.Parameter] = set()

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: object,
        arguments: tuple[Any, ...] = (),
        keywords: Mapping[str, Any] | None = None,
    ) -> Any:
        result = function(*arguments, **(keywords or {}))
        if isinstance(result, Tensor | tuple | list):
            self.parameters.update(
                leaf for leaf in tree_leaves((arguments, keywords)) if isinstance(leaf, nn.Parameter)
            )
        return result


def _is_same(given: object, output: Tensor, version: int) -> bool:
    """Whether what is given is the output, perhaps flattened, and unchanged: torch counts a tensor's versions."""
    if not isinstance(given, Tensor):
        return False
    flat = given.ndim == 2 and given.shape[:1] == output.shape[:1] and given.numel() == output.numel()
    same = given is output or (flat and given.data_ptr() == output.data_ptr())
    return same and given._version == version
