"""What a network is made of: its table of layers and parameters, and how much of the image each layer sees.

Both send zeros through the network and watch the layers at work. The network stays as it is: modes, batch norm's
statistics, gradients; so do torch's random numbers.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from torch import nn

from cnncourse._model import count_parameters, image_shape
from cnncourse._text import Table
from cnncourse.analysis._watch import Call, watch

# Layers that leave every pixel where it is, and flattening, after which a dense layer sees all pixels anyway.
POINTWISE = (nn.Identity, nn.BatchNorm2d, nn.BatchNorm1d, nn.Dropout, nn.Dropout2d, nn.Flatten)
POINTWISE += (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LogSoftmax)


class Layer(NamedTuple):
    """A row of `summary`: class and place of a layer, as "Conv2d-1"; its output without the batch; its parameters."""

    name: str
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers of a network. Printed, it is the table of the package torchsummary and a line for the multiply-adds.

    Attributes:
        rows: one `Layer` for each time that a layer ran, in this order.
        parameters: how many numbers the network holds for learning.
        trainable: how many of them are not frozen.
        multiply_adds: how many multiplications, each followed by an addition, one image costs.
        input_shape: C×H×W of the image.
    """

    rows: list[Layer]
    parameters: int
    trainable: int
    multiply_adds: int
    input_shape: tuple[int, ...]

    def __repr__(self) -> str:
        rows = "\n".join(f"{name:>20}  {[-1, *shape]!s:>25} {number:>15,}" for name, shape, number in self.rows)
        # Four bytes a number, and each output twice, for its gradient too: so torchsummary assumes.
        outputs = 2 * sum(prod(row.output_shape) for row in self.rows)
        image, outputs, weights = (
            4 * number / 1024**2 for number in (prod(self.input_shape), outputs, self.parameters)
        )
        return f"""\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
{rows}
================================================================
Total params: {self.parameters:,}
Trainable params: {self.trainable:,}
Non-trainable params: {self.parameters - self.trainable:,}
----------------------------------------------------------------
Input size (MB): {image:.2f}
Forward/backward pass size (MB): {outputs:.2f}
Params size (MB): {weights:.2f}
Estimated Total Size (MB): {image + outputs + weights:.2f}
----------------------------------------------------------------
Multiply-adds: {self.multiply_adds:,}"""


class Field(NamedTuple):
    """A row of `receptive_field`: a layer, and what one pixel of its output sees of the image.

    Attributes:
        layer: the name in the model, for example "features.0".
        type: the layer's class.
        output: height (and width) of what the layer gives, in pixels.
        channels: how many maps it gives.
        kernel, stride, padding: the layer's own, in pixels of its input.
        size: height (and width) of the receptive field, in pixels of the image.
        jump: the distance between the fields of two neighbouring output pixels, in pixels of the image.
        start: the middle of the first output pixel's field; the middle of the image's first pixel is 0.
    """

    layer: str
    type: str
    output: int
    channels: int
    kernel: int
    stride: int
    padding: int
    size: int
    jump: int
    start: float


class ReceptiveField(list):
    """One `Field` for each layer that has a kernel. Printed, it is a table."""

    def __repr__(self) -> str:
        return repr(Table([Field._fields, *([*map(str, row[:-1]), f"{row.start:g}"] for row in self)], left=2))


def summary(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> Summary:
    """The table of a network's layers, with their output shapes and parameters, as torchsummary 1.5.1 prints it.

    Multiply-adds are counted as torchinfo does: each parameter of a convolution once for each pixel of its output, each
    parameter of another layer once. Where torchsummary counts wrongly this table is right: a layer that runs twice has
    its parameters once, parameters have any name, not only weight and bias, and each may be frozen or not.

    Args:
        model: on any device.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: images of this shape do not fit the model, or a layer gives something else than one tensor.
    """
    input_shape = image_shape(model, input_shape)
    rows, multiply_adds, counted = [], 0, set()
    for number, call in enumerate(watch(model, input_shape), start=1):
        own = set(call.layer.parameters(recurse=False))
        rows.append(Layer(f"{call.type}-{number}", tuple(call.output.shape[1:]), count_parameters(own - counted)))
        counted |= own
        multiply_adds += count_parameters(own) * (
            prod(call.output.shape[2:]) if hasattr(call.layer, "kernel_size") else 1
        )
    trainable = count_parameters(parameter for parameter in model.parameters() if parameter.requires_grad)
    return Summary(rows, count_parameters(model.parameters()), trainable, multiply_adds, input_shape)


def receptive_field(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> ReceptiveField:
    """How large a part of the image one pixel of each layer's output depends on, and where it lies.

    Output pixel i sees the image's pixels from start + i·jump - (size - 1)/2 to start + i·jump + (size - 1)/2, both
    included, in height and in width, as far as they lie in the image. Layers that leave every pixel where it is, such
    as activations, dropout and, outside training, batch norm, change none of this and get no row. A dense layer sees
    the whole map that was flattened for it: it is a convolution with a kernel of the map's size. Once there is a single
    output pixel, jump no longer matters.

    Args:
        model: its layers run one after the other, on square images and with square kernels.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: the images do not fit the model; or a layer is of an unknown type, isn't square, or doesn't get the
            output of the layer before, for example after a skip connection. The error names the layer.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019. The
    words are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """
    _, height, width = input_shape = image_shape(model, input_shape)
    if height != width:
        raise ValueError(f"receptive_field takes square images, not {height}×{width}")
    fields, before = ReceptiveField(), "the images"
    pixels, size, jump, start = height, 1, 1, 0.0  # an image's pixel sees itself
    for call in watch(model, input_shape):
        if any(call.layer.children()):
            continue
        if not call.goes_on:
            raise ValueError(
                f"{call.name} ({call.type}) doesn't get {before}: a skip connection, or a step that is no layer, lies "
                "between. Receptive fields are computed for layers that run one after the other."
            )
        before = f"the output of {call.name} ({call.type})"
        if isinstance(call.layer, POINTWISE):
            continue
        kernel, stride, padding, dilation = _kernel(call, pixels)
        size += dilation * (kernel - 1) * jump
        start += (dilation * (kernel - 1) / 2 - padding) * jump
        jump *= stride
        pixels = call.output.shape[2] if call.output.ndim == 4 else 1
        place = call.name, call.type, pixels, call.output.shape[1]
        fields.append(Field(*place, kernel, stride, padding, size, jump, start))
    return fields


def _kernel(call: Call, pixels: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation of a layer that gets a map of pixels×pixels."""
    layer = call.layer
    if isinstance(layer, nn.Linear) and call.output.ndim == 2:
        return pixels, 1, 0, 1
    if isinstance(layer, nn.AdaptiveAvgPool2d) and call.output.shape[2:] == (1, 1):
        return pixels, pixels, 0, 1
    if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        raise ValueError(f"receptive_field doesn't know the layer {call.name}, {layer}")
    sizes = [layer.kernel_size, layer.stride, getattr(layer, "dilation", 1), layer.padding]
    pairs = [(size, size) if isinstance(size, int | str) else size for size in sizes]
    if any(height != width for height, width in pairs):
        raise ValueError(f"receptive_field takes square kernels, but {call.name} is {layer}")
    kernel, stride, dilation, padding = (height for height, _ in pairs)
    named = {"valid": 0, "same": dilation * (kernel - 1) // 2}
    return kernel, stride, named.get(padding, padding), dilation
