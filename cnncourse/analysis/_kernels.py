"""Which pixels of its input one pixel of a layer's output depends on."""

from torch import nn
from torch.nn.modules import activation
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from cnncourse.analysis._watch import Call

# Layers that take something over the whole map, or along one of its dimensions, unless their settings say otherwise.
NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
ALONG = (nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.GLU)
# Layers that leave every pixel where it is, and flattening, after which a dense layer sees all pixels anyway.
POINTWISE = {getattr(activation, name) for name in activation.__all__} - {*ALONG, nn.MultiheadAttention}
POINTWISE |= {nn.Identity, nn.Flatten, nn.ChannelShuffle, nn.LocalResponseNorm, nn.CrossMapLRN2d}
POINTWISE |= {nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout}


def kernel_of(call: Call, pixels: int) -> tuple[int, int, int, int] | None:
    """Return kernel, stride, padding and dilation of a layer that gets a map of pixels×pixels.

    None stands for a layer that leaves every pixel where it is.

    Raises:
        ValueError: the layer isn't known or isn't square, or each pixel that it gives sees the whole map.
    """
    layer, output = call.layer, call.output
    kind = next(base for base in type(layer).__mro__ if "forward" in vars(base))  # a subclass may compute another thing
    if kind in POINTWISE or (issubclass(kind, NORMS + ALONG) and _is_pointwise(layer, output.ndim, pixels)):
        return None
    if issubclass(kind, NORMS):
        raise ValueError(
            f"{call.name}, {layer}, takes mean and variance over the whole map, so each of its pixels sees "
            "the whole image"
        )
    if kind is nn.Linear and output.ndim == 2:
        return pixels, 1, 0, 1
    if kind in (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d) and all(pixels % size == 0 for size in output.shape[2:]):
        kernel = tuple(pixels // size for size in output.shape[2:])
        sizes = [kernel, kernel, 0, 1]
    elif isinstance(layer, nn.ConstantPad2d) and layer.padding[:2] == layer.padding[2:]:
        sizes = [1, 1, layer.padding[0], 1]
    elif kind in (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d):
        stride = layer.kernel_size if layer.stride is None else layer.stride
        sizes = [layer.kernel_size, stride, getattr(layer, "padding", 0), getattr(layer, "dilation", 1)]
    else:
        raise ValueError(f"receptive_field doesn't know the layer {call.name}, {layer}")
    pairs = [size if isinstance(size, tuple) else (size, size) for size in sizes]
    if any(height != width for height, width in pairs):
        raise ValueError(f"receptive_field takes square kernels, but {call.name} is {layer}")
    kernel, stride, padding, dilation = (height for height, _ in pairs)
    reach = dilation * (kernel - 1)
    before, behind = {"valid": (0, 0), "same": (reach // 2, -(-reach // 2))}.get(padding, (padding, padding))
    mode = getattr(layer, "padding_mode", "zeros")
    # A mirrored pixel lies in the field anyway, unless there is more padding than half a kernel.
    if mode == "circular" or (mode != "zeros" and 2 * behind > reach):
        raise ValueError(
            f"receptive_field doesn't know the layer {call.name}, {layer}: with padding_mode={mode!r} a pixel at the "
            "edge sees others than its neighbours"
        )
    return kernel, stride, before, dilation


def _is_pointwise(layer: nn.Module, dimensions: int, pixels: int) -> bool:
    """Whether this norm, or activation along a dimension, mixes no pixels, or there is nothing left to mix."""
    if dimensions == 2 or pixels == 1:
        return True
    if isinstance(layer, ALONG):
        return (1 if layer.dim is None else layer.dim) % dimensions == 1  # 1: along the channels
    return getattr(layer, "running_mean", None) is not None  # what batch norm kept from the training
