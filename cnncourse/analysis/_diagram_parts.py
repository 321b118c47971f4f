"""What a diagram of a network shows, part by part."""

from typing import Any, NamedTuple

from torch import nn
from torch.nn.utils.parametrize import type_before_parametrizations

from cnncourse._text import by, count
from cnncourse.analysis._watch import Call, is_leaf, named_layers
from cnncourse.analysis.structure import Layer

# Layers by the file of torch.nn that they are from. These are bars below a box where they keep its shape.
BARS = {"activation", "batchnorm", "instancenorm", "normalization", "dropout"}
NAMES = {"Conv2d": "convolution", "MaxPool2d": "max-pooling", "AvgPool2d": "average pooling", "Linear": "dense layer"}
NAMES |= {"AdaptiveAvgPool2d": "adaptive average pooling", "BatchNorm2d": "batch norm", "GroupNorm": "group norm"}
NAMES |= {"LayerNorm": "layer norm", "LeakyReLU": "leaky ReLU", "Tanh": "tanh", "LogSoftmax": "log softmax"}
NAMES |= {"Dropout": "dropout", "Flatten": "flatten"}


class Part(NamedTuple):
    """What a layer adds to a diagram: a box, or a bar below the last box."""

    words: str
    shape: tuple[int, ...]
    kind: str = ""  # "depthwise", or the file of torch.nn that the layer is from
    parameters: int = 0
    kernel: tuple[int, ...] = ()
    is_bar: bool = False
    goes_on: bool = True  # it gets what the part before gives
    begin: int | None = None  # of a sum at the end of a Residual: the place of the Residual's first part

    @property
    def numbers(self) -> str:
        """Shape and parameters; a bar has the shape of its box."""
        shape = [] if self.is_bar else [by(self.shape)]
        return ", ".join(shape + ([count(self.parameters, "parameter")] if self.parameters else []))


def list_parts(model: nn.Module, input_shape: tuple[int, ...], calls: list[Call], rows: list[Layer]) -> list[Part]:
    """The image, a part for each layer, and one for the sum at the end of each Residual.

    Args:
        calls, rows: of the model, watched with images of this shape, and of its summary.
    """
    residuals = [name for name, module in named_layers(model) if type(module).__name__ == "Residual"]
    parts, begins, goes_on = [Part("image", input_shape)], dict[str, int](), True
    for call, row, following in zip(calls, rows, [*calls[1:], None], strict=True):
        inside = [name for name in residuals if call.name.startswith(f"{name}.")]
        for name in inside:
            begins.setdefault(name, len(parts))
        if is_leaf(call.layer) or row.parameters:
            kind, shape = _kind(call.layer), row.output_shape
            kernel = _pair(getattr(call.layer, "kernel_size", ()))
            goes_on = parts[-1].begin is not None or (goes_on and call.goes_on)
            is_bar = kind in BARS and goes_on and shape == parts[-1].shape and len(parts) not in begins.values()
            if not _does_nothing(call.layer):
                words = _words(call.layer, kernel, shape)
                parts.append(Part(words, shape, kind, row.parameters, kernel, is_bar, goes_on))
                goes_on = True
        for name in reversed(inside):  # the inner ones end first
            if following is None or not following.name.startswith(f"{name}."):
                parts.append(Part("added to what came in", row.output_shape, begin=begins.pop(name)))
    return parts


def _does_nothing(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Identity) or (isinstance(layer, nn.Dropout) and layer.p == 0)


def _is_depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1


def _kind(layer: nn.Module) -> str:
    if _is_depthwise(layer):
        return "depthwise"
    files = [base.__module__ for base in type(layer).__mro__ if base.__module__.startswith("torch.nn.modules.")]
    return files[0].rpartition(".")[2]


def _words(layer: nn.Module, kernel: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What a layer is, in the words of the course, as "3×3 convolution, padding 1"."""
    name = type_before_parametrizations(layer).__name__
    words = NAMES.get(name, name)
    if _is_depthwise(layer):
        words = f"depthwise {words}"
    elif isinstance(layer, nn.AdaptiveAvgPool2d) and shape[1:] == (1, 1):
        words = "global average pooling"
    elif isinstance(layer, nn.GroupNorm):
        words = f"group norm, {layer.num_groups} groups" if layer.num_groups > 1 else "layer norm"
    elif isinstance(layer, nn.LeakyReLU):
        words = f"leaky ReLU, slope {layer.negative_slope:g}"
    elif isinstance(layer, nn.Dropout):
        words = f"dropout {layer.p:g}"
    if kernel:
        words = f"{by(kernel)} {words}"
        one, zero = (1,) * len(kernel), (0,) * len(kernel)
        stride = kernel if _kind(layer) == "pooling" else one
        for setting, usual in {"stride": stride, "padding": zero, "dilation": one}.items():
            value = _pair(getattr(layer, setting, usual))
            if value != usual:
                words += f", {setting} {value[0] if len(set(value)) == 1 else by(value)}"
    return words


def _pair(size: int | str | tuple[int, ...]) -> tuple[Any, ...]:
    return (size, size) if isinstance(size, int | str) else tuple(size)
