"""Watching the layers of a network at work."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnncourse._checks import forward
from cnncourse._model import evaluating, on_device


class Call(NamedTuple):
    """A layer at work; it goes on if it got the output of the layer before, or at first the images."""

    name: str
    layer: nn.Module
    goes_on: bool
    output: Tensor

    @property
    def type(self) -> str:
        return type(self.layer).__name__


def watch(model: nn.Module, input_shape: tuple[int, ...]) -> list[Call]:
    """What the layers did with two empty images, in the order in which they finished.

    As torchsummary does, it takes all modules but the model as a whole and Sequentials for layers.
    """
    calls, entered, before = [], [], ()

    def enter(layer: nn.Module, arguments: tuple, keywords: dict) -> None:
        entered.append(_is_same(next(iter([*arguments, *keywords.values()]), None), *before))

    def leave(name: str, layer: nn.Module, arguments: tuple, output: Tensor) -> Tensor:
        nonlocal before
        check_tensor(name, layer, output)
        output = output.contiguous()  # so that flattening it makes a view, which can be recognised, and no copy
        calls.append(Call(name, layer, entered.pop(), output))
        if not any(layer.children()):  # what a block does besides calling its layers counts as a step between them
            before = output, output._version
        return output

    hooks = []
    with evaluating(model), torch.inference_mode(False), torch.no_grad():
        images = on_device(model, torch.zeros(2, *input_shape))
        forward(model, images)  # without hooks, for the error where the images do not fit
        before = images, images._version
        try:
            for name, layer in model.named_modules():
                if not isinstance(layer, nn.Sequential) and (layer is not model or not any(model.children())):
                    hooks.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
                    hooks.append(layer.register_forward_hook(partial(leave, name)))
            model(images)
        finally:
            for hook in hooks:
                hook.remove()
    return calls


def _is_same(given: Tensor | None, output: Tensor, version: int) -> bool:
    """Whether what is given is the output, perhaps flattened, and unchanged: torch counts a tensor's versions."""
    if not isinstance(given, Tensor):
        return False
    flat = given.ndim == 2 and given.shape[:1] == output.shape[:1] and given.numel() == output.numel()
    same = given is output or (flat and given.data_ptr() == output.data_ptr())
    return same and given._version == version


def check_tensor(name: str, layer: nn.Module, output: object) -> None:
    """Refuse a layer that gives something else than one tensor."""
    if not isinstance(output, Tensor):
        raise ValueError(f"{name} ({type(layer).__name__}) gives a {type(output).__name__}, not one tensor")
