"""What a network is made of: its table of layers and parameters, and how much of the image each layer sees.

Both send zeros through the network and watch the layers at work. The network stays as it is: modes, batch norm's
statistics, gradients; so do torch's random numbers.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple, SupportsIndex, overload

from torch import nn

from cnncourse._model import count_parameters, image_shape
from cnncourse._text import Table, printable
from cnncourse.analysis._kernels import kernel_of
from cnncourse.analysis._watch import Call, Watched, is_leaf, named_layers, own_parameters, watch

NAMED = 6  # parameters in a line of a printed summary


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
        outside: names of the parameters that are computed with outside of any layer in the rows, as a parameter of the
            model itself is, or `conv.weight` in `F.conv2d(images, self.conv.weight)`. They are in `parameters`, but
            what is computed with them is not in `multiply_adds`.
        unused: names of the parameters that these images never met. They are in `parameters`.
    """

    rows: list[Layer]
    parameters: int
    trainable: int
    multiply_adds: int
    input_shape: tuple[int, ...]
    outside: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows = "\n".join(f"{name:>20}  {[-1, *shape]!s:>25} {number:>15,}" for name, shape, number in self.rows)
        # Four bytes a number, and each output twice, for its gradient too: so torchsummary assumes.
        numbers = prod(self.input_shape), 2 * sum(prod(row.output_shape) for row in self.rows), self.parameters
        image, outputs, weights = (4 * number / 1024**2 for number in numbers)
        more = ", and what is computed outside of layers" if self.outside else ""
        more += _line("Used outside of layers", self.outside) + _line("Not used", self.unused)
        return printable(f"""\
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
Multiply-adds: {self.multiply_adds:,}{more}""")


def _line(head: str, names: tuple[str, ...]) -> str:
    """The line below a table that names parameters, if there are any."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"\n{head}: {', '.join(names[:NAMED])}{more}" if names else ""


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


class ReceptiveField(list[Field]):
    """One `Field` for each layer that has a kernel. Printed, it is a table, and so is a part of it."""

    @overload
    def __getitem__(self, place: SupportsIndex) -> Field: ...

    @overload
    def __getitem__(self, place: slice) -> "ReceptiveField": ...

    def __getitem__(self, place: SupportsIndex | slice) -> "Field | ReceptiveField":
        found = super().__getitem__(place)
        return found if isinstance(found, Field) else ReceptiveField(found)

    def __repr__(self) -> str:
        return repr(Table([Field._fields, *([*map(str, row[:-1]), f"{row.start:g}"] for row in self)], left=2))


def summary(model: nn.Module, input_shape: tuple[int, int, int] | None = None) -> Summary:
    """The table of a network's layers, with their output shapes and parameters, as torchsummary 1.5.1 prints it.

    Multiply-adds are counted as torchinfo does: each parameter of a convolution once for each pixel of its output, each
    parameter of another layer once. Where torchsummary counts wrongly this table is right: a layer that runs twice has
    its parameters once, parameters have any name, not only weight and bias, and each may be frozen or not. Where
    torchinfo counts wrongly it is right too: a dense layer that gets many rows of numbers for an image, and a
    transposed convolution, whose weights meet each pixel of its input.

    Args:
        model: on any device, compiled or not.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`.

    Raises:
        ValueError: images of this shape do not fit the model, its layers can't be watched, or a layer gives something
            else than one tensor.
    """
    shape = image_shape(model, input_shape)
    return summary_of(model, watch(model, shape), shape)


def summary_of(model: nn.Module, watched: Watched, input_shape: tuple[int, ...]) -> Summary:
    """Make the summary of a model that was watched with images of this shape."""
    rows: list[Layer] = []
    multiply_adds, counted = 0, set[nn.Parameter]()
    for number, call in enumerate(watched.calls, start=1):
        own = set(own_parameters(call.layer).values())
        rows.append(Layer(f"{call.type}-{number}", tuple(call.output.shape[1:]), count_parameters(own - counted)))
        counted |= own
        multiply_adds += _multiply_adds(call)
    trainable = count_parameters(parameter for parameter in model.parameters() if parameter.requires_grad)
    outside, unused = without_row(model, watched)
    return Summary(rows, count_parameters(model.parameters()), trainable, multiply_adds, input_shape, outside, unused)


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
        ValueError: the images do not fit the model; or a layer is of an unknown type, isn't square, takes a mean over
            the whole map, or doesn't get the output of the layer before, for example after a skip connection. The error
            names the layer.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019. The
    words are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """
    _, height, width = shape = image_shape(model, input_shape)
    if height != width:
        raise ValueError(f"receptive_field takes square images, not {height}×{width}")
    fields, before = ReceptiveField(), "the images"
    pixels, size, jump, start = height, 1, 1, 0.0  # an image's pixel sees itself
    watched = watch(model, shape)
    for call in watched.calls:
        if not is_leaf(call.layer):
            continue
        if not call.goes_on:
            raise ValueError(
                f"{call.name} ({call.type}) doesn't get {before}: a skip connection, or a step that is no layer, lies "
                "between. Receptive fields are computed for layers that run one after the other."
            )
        before = f"the output of {call.name} ({call.type})"
        found = kernel_of(call, pixels)
        if found is None:
            continue
        kernel, stride, padding, dilation = found
        size += dilation * (kernel - 1) * jump
        start += (dilation * (kernel - 1) / 2 - padding) * jump
        jump *= stride
        pixels = call.output.shape[2] if call.output.ndim == 4 else 1
        place = call.name, call.type, pixels, call.output.shape[1]
        fields.append(Field(*place, kernel, stride, padding, size, jump, start))
    outside, _ = without_row(model, watched)
    if outside:
        raise ValueError(
            f"{outside[0]} is used outside of layers, so the table would lack a row. Receptive fields are computed for "
            "layers that run one after the other: call the layer, as in self.conv(images)."
        )
    return fields


def without_row(model: nn.Module, watched: Watched) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the parameters that are used, and those that are not, outside of the layers that ran."""
    counted = {parameter for call in watched.calls for parameter in own_parameters(call.layer).values()}
    outside: list[str] = []
    unused: list[str] = []
    for name, layer in named_layers(model):
        for own, parameter in own_parameters(layer).items():
            if parameter not in counted:
                (outside if parameter in watched.used else unused).append(f"{name}.{own}" if name else own)
    return tuple(outside), tuple(unused)


def _multiply_adds(call: Call) -> int:
    """Of one image. Weights count as they are used, whatever parameters they are made of."""
    layer, pixels = call.layer, prod(call.output.shape[2:])
    own = count_parameters(own_parameters(layer).values())
    if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
        bias = 0 if layer.bias is None else layer.bias.numel()
        if isinstance(layer, nn.Linear):
            return (layer.weight.numel() + bias) * prod(call.output.shape[1:-1])
        if layer.transposed:
            return layer.weight.numel() * prod(call.input_shape[2:]) + bias * pixels
        return (layer.weight.numel() + bias) * pixels
    return own * pixels if hasattr(layer, "kernel_size") else own
