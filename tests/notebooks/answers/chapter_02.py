# ruff: noqa: F821
from itertools import accumulate

import numpy as np
import torch.nn.functional as F


def with_slices(size, layers):
    result = [size]
    for layer in layers:
        result.append(int((result[-1] + 2 * layer[2] - layer[0]) / layer[1]) + 1)
    return tuple(result[1:])


def by_convolving(size, layers):
    image, result = torch.zeros(1, 1, size, size), []
    for kernel_size, stride, padding in layers:
        image = F.conv2d(image, torch.zeros(1, 1, kernel_size, kernel_size), stride=stride, padding=padding)
        result.append(image.shape[-1])
    return np.array(result)


def counting_places(size, layers):
    result = []
    for kernel_size, stride, padding in layers:
        size = len(range(0, size + 2 * padding - kernel_size + 1, stride))
        result += [size]
    return result


right(
    "2.1",
    with_slices,
    by_convolving,
    counting_places,
    lambda size, layers: list(accumulate(layers, lambda side, layer: output_size(side, *layer), initial=size))[1:],
    lambda size, layers: torch.tensor(with_slices(size, layers)),
    lambda size, layers: [float(side) for side in counting_places(size, layers)],
)


def chained(formula):
    def sizes(size, layers):
        result = []
        for kernel_size, stride, padding in layers:
            size = formula(size, kernel_size, stride, padding)
            result.append(size)
        return result

    return sizes


wrong(
    "2.1",
    ("result of the one before", lambda size, layers: [output_size(size, *layer) for layer in layers]),
    ("both sides", chained(lambda s, k, t, p: (s + p - k) // t + 1)),
    ("both sides|goes from", chained(lambda s, k, t, p: (s - k) // t + 1)),
    ("Round down", chained(lambda s, k, t, p: (s + 2 * p - k) / t + 1)),
    ("round down, not up", chained(lambda s, k, t, p: -((k - s - 2 * p) // t) + 1)),
    ("goes from 28 to .26", chained(lambda s, k, t, p: (s + 2 * p - k) // t)),
    ("goes from", chained(lambda s, k, t, p: (s + 2 * p - k + 1) // t)),
    ("goes from 28 to .26, 13", chained(lambda s, k, t, p: s + 2 * p - k + 1)),
    ("own side does not belong", lambda size, layers: [size, *counting_places(size, layers)]),
    ("not 1 numbers|not the number", lambda size, layers: counting_places(size, layers)[-1:]),
    ("not the number 26", lambda size, layers: counting_places(size, layers)[-1]),
    ("goes from", lambda size, layers: [26, 13, 11, 5][: len(layers)]),
    ("4 layers: return a list with the side after each, not 1 numbers", lambda size, layers: [26]),
    ("goes from|layers", lambda size, layers: counting_places(size, layers)[::-1]),
)


def literals():
    move = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    blur = [[0, 0.2, 0], [0.2, 0.2, 0.2], [0, 0.2, 0]]
    sharpen = [[0, -0.2, 0], [-0.2, 1.8, -0.2], [0, -0.2, 0]]
    return move, blur, sharpen


def of_tensors():
    return [torch.tensor(kernel).double() for kernel in literals()]


def of_arrays():
    same = np.zeros((3, 3))
    same[1, 1] = 1
    blur = np.array(literals()[1])
    return np.roll(same, -1, axis=1), blur, 2 * same - blur


def rolled():
    same = F.pad(torch.ones(1, 1), [1] * 4)
    blur = sum(same.roll(shift, axis) for axis in (0, 1) for shift in (-1, 1)) + same
    return same.roll(-1, 1), blur / 5, 2 * same - blur / 5


right(
    "2.2", literals, of_tensors, of_arrays, rolled, lambda: torch.stack(of_tensors()), lambda: torch.tensor(literals())
)


def instead(**changed):
    def kernels():
        named = dict(
            zip(("move", "blur", "sharpen"), (torch.tensor(kernel).float() for kernel in literals()), strict=True)
        )
        return tuple((named | {name: function(named) for name, function in changed.items()}).values())

    return kernels


wrong(
    "2.2",
    ("row 2, column 1.*neighbour on the left", instead(move=lambda kernels: kernels["move"].flip(1))),
    ("row 3, column 2", instead(move=lambda kernels: kernels["move"].T)),
    (
        "row 2, column 2. The",
        instead(move=lambda kernels: torch.eye(3).flip(0) * 0 + torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]])),
    ),
    ("no brighter", instead(move=lambda kernels: 2 * kernels["move"])),
    ("nothing added", instead(move=lambda kernels: kernels["move"] + 0.1 * torch.eye(3))),
    ("sums to 5.00", instead(blur=lambda kernels: 5 * kernels["blur"])),
    ("mean of five", instead(blur=lambda kernels: torch.full((3, 3), 1 / 9))),
    ("mean of five", instead(blur=lambda kernels: torch.tensor([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]]))),
    ("mean of five", instead(blur=lambda kernels: torch.tensor([[0, 0.1, 0], [0.2, 0.4, 0.2], [0, 0.1, 0]]))),
    ("1 in its middle only", instead(sharpen=lambda kernels: 2 - kernels["blur"])),
    (
        "twice the picture",
        instead(sharpen=lambda kernels: kernels["sharpen"] - torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]])),
    ),
    ("taken away", instead(sharpen=lambda kernels: kernels["sharpen"] + 2 * kernels["blur"])),
    ("2 · picture", instead(sharpen=lambda kernels: kernels["blur"])),
    ("3×3×3, not a tuple of 2", lambda: literals()[:2]),
    ("differ in shape", lambda: (torch.zeros(3, 3), torch.zeros(5, 5), torch.zeros(3, 3))),
    ("row", lambda: of_tensors()[::-1]),
)


def slices(images, weight, bias, dilation):
    height, width = (side - dilation * (weight.shape[-1] - 1) for side in images.shape[2:])
    result = torch.zeros(len(images), len(weight), height, width, dtype=torch.float64)
    for row in range(weight.shape[-1]):
        for column in range(weight.shape[-1]):
            part = images[:, :, dilation * row :, dilation * column :][:, :, :height, :width].double()
            result += torch.einsum("nchw,oc->nohw", part, weight[:, :, row, column].double())
    return result + bias[:, None, None]


def by_unfolding(images, weight, bias, dilation):
    columns = F.unfold(images, weight.shape[-1], dilation=dilation)
    height, width = (side - dilation * (weight.shape[-1] - 1) for side in images.shape[2:])
    return (weight.flatten(1) @ columns + bias[:, None]).unflatten(2, (height, width))


def zeros_by_kron(images, weight, bias, dilation):
    pattern = torch.zeros(dilation, dilation)
    pattern[0, 0] = 1
    wide = torch.kron(weight, pattern)
    crop = dilation - 1
    return F.conv2d(images, wide[..., : wide.shape[-2] - crop, : wide.shape[-1] - crop], bias)


right(
    "2.3",
    slices,
    by_unfolding,
    zeros_by_kron,
    lambda images, weight, bias, dilation: F.conv2d(images, weight, bias, dilation=dilation),
    lambda images, weight, bias, dilation: slices(images, weight, bias, dilation).numpy(),
    lambda images, weight, bias, dilation: F.conv2d(images.double(), weight.double(), bias.double(), dilation=dilation),
)


def with_weight(change, add=1):
    return lambda images, weight, bias, dilation: F.conv2d(images, change(weight), add * bias, dilation=dilation)


def changing_weight(images, weight, bias, dilation):
    weight *= 2
    return F.conv2d(images, weight / 2, bias, dilation=dilation)


wrong(
    "2.3",
    ("bias is missing", with_weight(lambda weight: weight, add=0)),
    ("added twice", with_weight(lambda weight: weight, add=2)),
    ("on their side", with_weight(lambda weight: weight.mT)),
    ("turned by 180", with_weight(lambda weight: weight.flip(2, 3))),
    ("numbers differ", with_weight(lambda weight: weight.flip(3))),
    ("numbers differ", with_weight(lambda weight: weight.abs())),
    ("13×12 pixels give .*spans 2 ·", lambda images, weight, bias, dilation: conv2d(images, weight, bias)),
    ("spans", lambda images, weight, bias, dilation: conv2d(images, weight, bias, stride=dilation)),
    (
        "13×12 pixels give",
        lambda images, weight, bias, dilation: F.conv2d(images, weight, bias, dilation=dilation, padding=1),
    ),
    ("spans 3 ·", lambda images, weight, bias, dilation: F.conv2d(images, weight, bias, dilation=min(dilation, 2))),
    (
        "pixels give|numbers differ",
        lambda images, weight, bias, dilation: F.conv2d(images, weight, bias, dilation=dilation + 1),
    ),
    ("stopped with", lambda images, weight, bias, dilation: slices(images, weight[:, :1], bias, dilation) @ weight),
    ("changes the Tensor", changing_weight),
    ("pixels give|numbers differ", lambda images, weight, bias, dilation: torch.zeros(2, 4, 11, 10)),
)
