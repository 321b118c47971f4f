"""What several rooms ask of a model, whoever wrote it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn


def bare(model: nn.Module) -> nn.Module:
    """Return the model itself, without what `torch.compile` or `DataParallel` put around it."""
    while True:
        if isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        else:
            return model


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model's parameters; the CPU where it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def carry(model: nn.Module, preprocessing: object, *, temperature: float = 1.0, sure: float = 0.0) -> None:
    """Let a model carry along how its images were prepared, and how far its probabilities can be believed.

    They are its attributes `preprocessing`, `temperature` (what its logits are divided by before the softmax) and
    `sure` (the probability below which an answer is not sure).
    """
    inner: Any = bare(model)
    inner.preprocessing, inner.temperature, inner.sure = preprocessing, temperature, sure


def count_parameters(parameters: nn.Module | Iterable[Tensor]) -> int:
    """Count the numbers in a model's parameters, or in these."""
    if isinstance(parameters, nn.Module):
        parameters = parameters.parameters()
    return sum(parameter.numel() for parameter in parameters)


def image_shape(model: nn.Module, input_shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return C×H×W as given, else the model's own.

    Raises:
        ValueError: neither is the shape of an image.
    """
    shape = getattr(bare(model), "input_shape", None) if input_shape is None else input_shape
    numbers: Sequence[Any] = shape if isinstance(shape, Sequence) else ()
    if len(numbers) != 3 or not all(isinstance(number, Integral) and int(number) > 0 for number in numbers):
        raise ValueError(f"give the shape of an image, C×H×W, for example input_shape=(1, 28, 28); this is {shape}")
    return tuple(map(int, numbers))


def on_device(model: nn.Module, images: Tensor) -> Tensor:
    """Copy the images to the model's device, with numbers of its precision."""
    first = next(model.parameters(), torch.empty(0))
    return images.to(first.device, first.dtype, copy=True)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout off and keep batch norm's statistics; then put each layer back into its own mode."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


@contextmanager
def hooked(hooks: Iterable[tuple[nn.Module, Callable[..., Any]]]) -> Iterator[None]:
    """Let each function see its layer's arguments and output, as a forward hook; take them away again."""
    handles = []
    try:
        for layer, hook in hooks:
            handles.append(layer.register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()
