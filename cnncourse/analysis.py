"""What a network is made of: its table of layers and parameters, and how much of the image each layer sees.

Both send one batch of zeros through the network and note what each layer gives. The network stays as it is: its mode,
its batch norm statistics, its gradients and torch's random numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnncourse.checks import forward

# A pixel of the output depends on the same pixel of the input and on no other.
POINTWISE = (nn.Identity, nn.BatchNorm2d, nn.BatchNorm1d, nn.Dropout, nn.Dropout2d, nn.Flatten)
POINTWISE += (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
MEGABYTE = 1024**2


class Layer(NamedTuple):
    """A row of `summary`: the layer's class and place, as "Conv2d-1"; its output without the batch; its parameters."""

    name: str
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, repr=False)
class Summary:
    """A network's layers, in the order in which they ran. Printed, it is the table of the package torchsummary.

    Attributes:
        rows: one `Layer` for each layer that ran.
        parameters: how many numbers the network learns or could learn.
        trainable: how many of them have `requires_grad`.
        multiply_adds: multiplications with a following addition, for one image.
        input_shape: C×H×W.
    """

    rows: list[Layer]
    parameters: int
    trainable: int
    multiply_adds: int
    input_shape: tuple[int, ...]

    def __repr__(self) -> str:
        # As torchsummary assumes: four bytes a number, and each layer's output kept twice, for its gradient too.
        values = 4 * prod(self.input_shape), 8 * sum(prod(row.output_shape) for row in self.rows), 4 * self.parameters
        inputs, outputs, parameters = (value / MEGABYTE for value in values)
        line, double_line = 64 * "-", 64 * "="
        return "\n".join(
            [
                line,
                f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}",
                double_line,
                *(f"{name:>20}  {[-1, *shape]!s:>25} {number:>15,}" for name, shape, number in self.rows),
                double_line,
                f"Total params: {self.parameters:,}",
                f"Trainable params: {self.trainable:,}",
                f"Non-trainable params: {self.parameters - self.trainable:,}",
                line,
                f"Input size (MB): {inputs:0.2f}",
                f"Forward/backward pass size (MB): {outputs:0.2f}",
                f"Params size (MB): {parameters:0.2f}",
                f"Estimated Total Size (MB): {inputs + outputs + parameters:0.2f}",
                line,
                f"Multiply-adds: {self.multiply_adds:,}",
            ]
        )


class Field(NamedTuple):
    """A row of `receptive_field`: what a layer is, and what one pixel of its output sees of the image."""

    layer: str
    """The layer's name in the model, for example "features.0"."""
    type: str
    output: int
    """Height and width of the output."""
    channels: int
    """Channels of the output."""
    kernel: int
    stride: int
    padding: int
    size: int
    """Height and width of the receptive field, in pixels of the image."""
    jump: int
    """How far the fields of two neighbouring output pixels lie apart, in pixels of the image."""
    start: float
    """Where the middle of the first output pixel's field lies, in pixels from the middle of the image's first pixel."""


class ReceptiveField(list):
    """One `Field` for each layer that has a kernel. Printed, it is a table."""

    def __repr__(self) -> str:
        lines = [
            Field._fields,
            *([f"{value:g}" if isinstance(value, float) else str(value) for value in row] for row in self),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        align = [str.ljust, str.ljust] + [str.rjust] * (len(widths) - 2)
        return "\n".join(
            "  ".join(put(text, width) for put, text, width in zip(align, line, widths, strict=True)) for line in lines
        )


def summary(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> Summary:
    """The table of a network's layers, with their output shapes and parameters.

    The table is that of torchsummary 1.5.1, with a last line for the multiply-adds. They are counted as torchinfo 1.8
    does: a convolution uses each weight and bias once for each pixel of its output, and every other layer uses each of
    its parameters once; layers without parameters count nothing.

    In three places torchsummary counts wrongly, and this table is right: a layer that runs twice has its parameters
    once, parameters with other names than weight and bias count too, and a bias is trainable if it is itself.

    Args:
        model: on any device.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: images of this shape do not fit the model, or a layer gives something else than one tensor.
    """
    input_shape = _input_shape(model, input_shape)
    rows, multiply_adds, counted = [], 0, set()
    for call in _calls(model, input_shape):
        own = list(call.layer.parameters(recurse=False))
        parameters = sum(parameter.numel() for parameter in own if parameter not in counted)
        counted.update(own)
        rows.append(Layer(f"{type(call.layer).__name__}-{len(rows) + 1}", tuple(call.output.shape[1:]), parameters))
        positions = prod(call.output.shape[2:]) if hasattr(call.layer, "kernel_size") else 1
        multiply_adds += positions * sum(parameter.numel() for parameter in own)
    everything = list(model.parameters())
    return Summary(
        rows=rows,
        parameters=sum(parameter.numel() for parameter in everything),
        trainable=sum(parameter.numel() for parameter in everything if parameter.requires_grad),
        multiply_adds=multiply_adds,
        input_shape=input_shape,
    )


def receptive_field(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> ReceptiveField:
    """How large a part of the image one pixel of each layer's output depends on, and where it lies.

    Output pixel i of a layer sees the image's rows from start + i·jump - (size - 1)/2 to start + i·jump + (size - 1)/2,
    both included, as far as they lie in the image; the same holds for columns. Layers that work pixel by pixel, such
    as activations, batch norm (when it measures, not when it trains) and dropout, change none of this and get no row.
    A dense layer on a flattened map sees all of it, like a convolution with a kernel as large as the map.

    Args:
        model: its layers run one after the other, on square images and with square kernels.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: the images do not fit the model; a layer is of an unknown type, is not square, or gets something
            else than the output of the layer before, as behind a skip connection. The layer is named.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019;
    the arithmetic of the layers is in Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """
    input_shape = _input_shape(model, input_shape)
    if input_shape[1] != input_shape[2]:
        raise ValueError(f"receptive_field takes square images, not {input_shape[1]}×{input_shape[2]}")
    fields, before = ReceptiveField(), None
    pixels, size, jump, start = input_shape[1], 1, 1, 0.0  # of the image itself
    for call in _calls(model, input_shape):
        if any(call.layer.children()):
            continue
        if before is not None and not _goes_on(before, call):
            raise ValueError(
                f"{_name(call)} doesn't get the output of {_name(before)}: a skip connection, or a step that is not a "
                "layer of the model, lies between them. receptive_field needs layers that run one after the other."
            )
        before = call
        if isinstance(call.layer, POINTWISE):
            continue
        kernel, stride, padding, dilation = _geometry(call, pixels)
        size += dilation * (kernel - 1) * jump
        start += (dilation * (kernel - 1) / 2 - padding) * jump
        jump *= stride
        pixels = call.output.shape[-1] if call.output.ndim == 4 else 1
        shape = (pixels, call.output.shape[1], kernel, stride, padding)
        fields.append(Field(call.name, type(call.layer).__name__, *shape, size, jump, start))
    return fields


def _geometry(call: "_Call", pixels: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation of a layer that gets a map of pixels×pixels."""
    layer = call.layer
    if isinstance(layer, nn.Linear) and call.given.ndim == 2:
        return pixels, 1, 0, 1
    if isinstance(layer, nn.AdaptiveAvgPool2d) and call.output.shape[2:] == (1, 1):
        return pixels, pixels, 0, 1
    if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        raise ValueError(f"receptive_field doesn't know the layer {_name(call)}")
    padding = {"valid": 0}.get(layer.padding, layer.padding)
    values = [layer.kernel_size, layer.stride, padding, getattr(layer, "dilation", 1)]
    pairs = [value if isinstance(value, tuple) else (value, value) for value in values]
    if any(height != width for height, width in pairs):
        raise ValueError(f"{_name(call)} isn't square, so no single number says what it sees: {layer}")
    kernel, stride, padding, dilation = (height for height, _ in pairs)
    return kernel, stride, (dilation * (kernel - 1) // 2 if padding == "same" else padding), dilation


class _Call(NamedTuple):
    """A layer at work. A tensor's version counts the times that it was changed in place."""

    name: str
    layer: nn.Module
    given: Tensor
    given_version: int
    output: Tensor
    output_version: int


def _calls(model: nn.Module, input_shape: tuple[int, ...]) -> list[_Call]:
    """What each layer got and gave for a batch of zeros, in the order in which the layers ended.

    As in torchsummary, modules that hold other modules are among them, but not the model itself and no Sequential.
    """
    first = next(model.parameters(), torch.zeros(0))
    images = torch.zeros(2, *input_shape, device=first.device, dtype=first.dtype)
    calls, given = [], []

    def enter(layer: nn.Module, arguments: tuple, keywords: dict) -> None:
        tensor = (*arguments, *keywords.values())[0]
        given.append((tensor, tensor._version))

    def leave(name: str, layer: nn.Module, arguments: tuple, output: Tensor) -> None:
        if not isinstance(output, Tensor):
            raise ValueError(f"{name} ({type(layer).__name__}) gives a {type(output).__name__}, not one tensor")
        calls.append(_Call(name, layer, *given.pop(), output, output._version))

    with _unchanged(model):
        forward(model, images)  # without hooks, for the error where the images do not fit
        hooks = []
        for name, layer in model.named_modules():
            if isinstance(layer, nn.Sequential | nn.ModuleList) or (layer is model and any(model.children())):
                continue
            hooks.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.append(layer.register_forward_hook(partial(leave, name)))
        try:
            model(images)
        finally:
            for hook in hooks:
                hook.remove()
    return calls


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Without gradients, dropout and new statistics in batch norm; then each layer is back in its mode."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for layer, training in modes:
            layer.training = training


def _goes_on(before: _Call, after: _Call) -> bool:
    """Whether a layer got the very output of the layer before, as it was or flattened."""
    output, given = before.output, after.given
    flat = given.ndim == 2 and given.numel() == output.numel() and given.data_ptr() == output.data_ptr()
    return (given is output or flat) and after.given_version == before.output_version


def _name(call: _Call) -> str:
    return f"{call.name} ({type(call.layer).__name__})"


def _input_shape(model: nn.Module, input_shape: tuple[int, ...] | None) -> tuple[int, ...]:
    shape = getattr(model, "input_shape", None) if input_shape is None else input_shape
    if shape is None or len(shape) != 3:
        raise ValueError(f"give the shape of an image, C×H×W, as input_shape=(1, 28, 28); this is {shape}")
    return tuple(shape)
