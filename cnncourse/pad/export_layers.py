"""What the drawing pad can run: torch's layers, and what the page has to know of each."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cnncourse._text import by


class Add(nn.Module):
    """`maps + others`, as a layer."""

    def forward(self, maps: Tensor, others: Tensor) -> Tensor:
        if maps.shape != others.shape:
            raise ValueError(f"it adds {by(maps.shape[1:])} and {by(others.shape[1:])}; give both the same shape")
        return maps + others


def _nothing(layer: nn.Module) -> dict[str, Any]:
    return {}


def _window(layer: nn.Module) -> dict[str, Any]:
    if getattr(layer, "ceil_mode", False):
        raise ValueError("it has ceil_mode=True; make it with ceil_mode=False")
    names = [name for name in ("kernel_size", "stride", "padding", "dilation") if hasattr(layer, name)]
    numbers = {name: getattr(layer, name) for name in names}
    return {name: [number] * 2 if isinstance(number, int) else list(number) for name, number in numbers.items()}


def _average_pool(layer: nn.AvgPool2d) -> dict[str, Any]:
    if layer.divisor_override is not None:
        raise ValueError("it has a divisor_override; leave that out")
    return _window(layer) | {"count_include_pad": layer.count_include_pad}


def _convolution(layer: nn.Conv2d) -> dict[str, Any]:
    if layer.padding_mode != "zeros":
        raise ValueError(f'it has padding_mode="{layer.padding_mode}"; make it with padding_mode="zeros"')
    attributes = _window(layer) | {"groups": layer.groups, **_weights(layer)}
    if isinstance(layer.padding, str):
        same = layer.padding == "same"
        total = [same * d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        if any(number % 2 for number in total):
            raise ValueError('with padding="same" its kernel must be odd; give the padding as a number')
        attributes["padding"] = [number // 2 for number in total]
    return attributes


def _batch_norm(layer: nn.BatchNorm2d) -> dict[str, Any]:
    """Outside training, batch norm multiplies each channel by a number and adds another."""
    if layer.running_mean is None or layer.running_var is None:
        raise ValueError("it keeps no statistics; make it with track_running_stats=True and train again")
    scale = 1 / (layer.running_var.double() + layer.eps).sqrt()
    scale = scale if layer.weight is None else scale * layer.weight
    shift = -layer.running_mean.double() * scale
    return {"weight": scale, "bias": shift if layer.bias is None else shift + layer.bias}


def _group_norm(layer: nn.GroupNorm) -> dict[str, Any]:
    weights = _weights(layer) if layer.affine else {"weight": torch.ones(layer.num_channels), "bias": None}
    return {"num_groups": layer.num_groups, "eps": layer.eps, **weights}


def _softmax(layer: nn.Softmax) -> dict[str, Any]:
    if layer.dim not in (1, -1):
        raise ValueError(f"it has dim={layer.dim}; make it with dim=1, over the classes")
    return {}


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
    if training:
        raise ValueError("it drops values outside training too; give it training=self.training")
    return nn.Identity()


def _weights(layer: nn.Module) -> dict[str, Any]:
    return {"weight": layer.weight, "bias": layer.bias}


# The layers of the page, and a function that gives what it has to know of each.
LAYERS: dict[type[nn.Module], Callable[[Any], dict[str, Any]]] = {
    nn.Conv2d: _convolution,
    nn.Linear: _weights,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.ReLU: _nothing,
    nn.LeakyReLU: lambda layer: {"negative_slope": layer.negative_slope},
    nn.Tanh: _nothing,
    nn.Sigmoid: _nothing,
    nn.MaxPool2d: _window,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _nothing,  # its windows follow from the shapes
    nn.Flatten: _nothing,
    nn.LogSoftmax: _softmax,
    nn.Softmax: _softmax,
    Add: _nothing,
}
TAKE_FEATURES = (nn.Linear, nn.BatchNorm1d, nn.LogSoftmax, nn.Softmax)  # here only N×features, no maps
VANISH: tuple[type[nn.Module], ...] = (nn.Identity, nn.Dropout, nn.Dropout2d)  # what does nothing outside training
# What `forward` may do besides calling layers: each makes the layer that does the same, from the operation's arguments.
OPERATIONS: dict[str, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "relu_": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "flatten": lambda *shape, **options: nn.Flatten(),
    "view": lambda *shape: nn.Flatten(),
    "reshape": lambda *shape: nn.Flatten(),
    "squeeze": lambda *shape: nn.Flatten(),
    "log_softmax": lambda dim=None, **options: nn.LogSoftmax(dim),
    "softmax": lambda dim=None, **options: nn.Softmax(dim),
    "add": Add,
    "contiguous": nn.Identity,
    "dropout": _dropout,
    "dropout2d": _dropout,
}


def kind_of(layer: nn.Module) -> type[nn.Module] | None:
    """The class above that does what this layer does: its own, or one from which it has its `forward`."""
    kinds = (kind for kind in (*LAYERS, *VANISH) if isinstance(layer, kind))
    return next((kind for kind in kinds if type(layer).forward is kind.forward), None)


def attributes(layer: nn.Module, inputs: list[Tensor], output: Tensor) -> dict[str, Any]:
    """What the page has to know to get this output from these inputs with a layer of `LAYERS`.

    Raises:
        ValueError: the page can't do it; says why, and what to do.
    """
    if any(maps.ndim not in (2, 4) for maps in (*inputs, output)):
        raise ValueError(
            "it gets or gives neither maps C×H×W nor a list of numbers; let nn.Flatten() flatten everything"
        )
    kind: Any = kind_of(layer)
    if kind in TAKE_FEATURES and inputs[0].ndim != 2:
        raise ValueError("it gets maps; put nn.Flatten() before it")
    found: dict[str, Any] = LAYERS.get(kind, _nothing)(layer)
    if not same(layer(*inputs), output):
        raise ValueError(
            f"it does something else than {kind.__name__}, or maps that were changed in place (inplace=True) "
            "are used again; use a layer, and nothing in place"
        )
    return found


def same(values: Tensor, others: Tensor) -> bool:
    return values.shape == others.shape and torch.allclose(values, others, rtol=1e-3, atol=1e-5)
