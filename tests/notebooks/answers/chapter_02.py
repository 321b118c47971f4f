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


def row_by_row(images, distance):
    shifted = torch.zeros(images.shape, dtype=images.dtype)
    for row in range(distance, images.shape[2]):
        shifted[:, :, row] = images[:, :, row - distance]
    return shifted


def of_numpy(images, distance):
    shifted = np.zeros(images.shape)
    shifted[:, :, distance:] = images.numpy()[:, :, : images.shape[2] - distance]
    return shifted


def rolled_down(images, distance):
    shifted = images.roll(distance, dims=2)
    shifted[:, :, :distance] = 0
    return shifted


right(
    "2.a",
    row_by_row,
    of_numpy,
    rolled_down,
    lambda images, distance: shift_right(images.mT, distance).mT,
    lambda images, distance: F.pad(images, [0, 0, distance, -distance]),
    lambda images, distance: shift_right(images.double().transpose(2, 3), distance).transpose(2, 3),
)


def moved_in_place(images, distance):
    images[:, :, distance:] = images[:, :, : images.shape[2] - distance].clone()
    return images


wrong(
    "2.a",
    ("moves to the right", lambda images, distance: shift_right(images, distance)),
    ("moves up", lambda images, distance: F.pad(images, [0, 0, -distance, distance])),
    ("comes in again", lambda images, distance: images.roll(distance, dims=2)),
    ("has not moved", lambda images, distance: images),
    ("not where they should", lambda images, distance: F.pad(images, [0, 0, distance, -distance]) + 1),
    ("not where they should", lambda images, distance: F.pad(images, [0, 0, 1 + distance, -1 - distance])),
    ("not where they should", lambda images, distance: F.pad(images, [-distance, distance, 0, 0])),
    ("not where they should|has not moved", lambda images, distance: torch.zeros_like(images)),
    ("should be 3×1×6×8, not a tensor of", lambda images, distance: images[:, :, distance:]),
    ("should be", lambda images, distance: F.pad(images, [0, 0, distance, 0])),
    ("stopped with RuntimeError", lambda images, distance: images + images[:, :, distance:]),
    ("changes the Tensor", moved_in_place),
)


def in_two_loops(image, kernel, row, column):
    total = 0.0
    for i in range(len(kernel)):
        for j in range(len(kernel)):
            total += float(kernel[i, j]) * float(image[row + i, column + j])
    return total


right(
    "2.b",
    in_two_loops,
    lambda image, kernel, row, column: convolve(image, kernel)[row, column],
    lambda image, kernel, row, column: F.conv2d(image[None, None], kernel[None, None])[0, 0, row, column].item(),
    lambda image, kernel, row, column: np.sum(
        image.numpy()[row : row + len(kernel), column : column + len(kernel)] * kernel.numpy()
    ),
    lambda image, kernel, row, column: (
        image[row:, column:][: len(kernel), : len(kernel)].flatten().double() @ kernel.flatten().double()
    ),
)


def one_place(size=len, combine=lambda patch, kernel: (patch * kernel).sum(), turned=False):
    def answer_at(image, kernel, row, column):
        if turned:
            row, column = column, row
        return combine(image[row : row + size(kernel), column : column + size(kernel)], kernel)

    return answer_at


def black_border(image, kernel, row, column):
    image[0] = 0
    return one_place()(image, kernel, row, column)


wrong(
    "2.b",
    ("other order", one_place(turned=True)),
    ("without the kernel", one_place(combine=lambda patch, kernel: patch.sum())),
    ("mean of the products", one_place(combine=lambda patch, kernel: (patch * kernel).mean())),
    ("multiplies matrices", one_place(combine=lambda patch, kernel: (patch @ kernel).sum())),
    ("gives", one_place(combine=lambda patch, kernel: (patch * kernel.flip(0, 1)).sum())),
    ("gives", one_place(combine=lambda patch, kernel: (patch * kernel.T).sum())),
    ("gives", one_place(combine=lambda patch, kernel: (patch * kernel).abs().sum())),
    ("gives", one_place(combine=lambda patch, kernel: (patch + kernel).sum())),
    ("5×5 kernel|2×2 kernel.*stopped|must match", one_place(size=lambda kernel: 3)),
    ("one number, not a tensor of 3×3", one_place(combine=lambda patch, kernel: patch * kernel)),
    ("gives", lambda image, kernel, row, column: one_place()(image, kernel, row + 1, column)),
    ("changes the Tensor", black_border),
)

right(
    "2.c",
    lambda kernel: (kernel - 1) / 2,
    lambda kernel: kernel // 2,
    lambda kernel: int(kernel / 2),
    lambda kernel: torch.tensor((kernel - 1) // 2),
    lambda kernel: next(padding for padding in range(kernel) if output_size(28, kernel, 1, padding) == 28),
    lambda kernel: sum(1 for _ in range(1, kernel, 2)),
)

wrong(
    "2.c",
    ("both sides", lambda kernel: kernel - 1),
    ("half a pixel", lambda kernel: kernel / 2),
    ("with padding 3, 28 pixels become 30", lambda kernel: (kernel + 1) // 2),
    ("28 pixels become", lambda kernel: 1),
    ("28 pixels become", lambda kernel: 2),
    ("28 pixels become", lambda kernel: kernel),
    ("28 pixels become", lambda kernel: 0),
    ("28 pixels become|both sides", lambda kernel: kernel - 2),
    ("28 pixels become", lambda kernel: -(kernel - 1) // 2),
    ("stopped with", lambda kernel: kernel.shape),
    ("one number", lambda kernel: (kernel // 2, kernel // 2)),
)


def measured(kernel_sizes):
    picture = torch.ones(1, 1, 40, 40, requires_grad=True)
    result = picture
    for size in kernel_sizes:
        result = F.conv2d(result, torch.ones(1, 1, size, size))
    result[0, 0, 0, 0].backward()
    return (picture.grad[0, 0, 0] != 0).sum()


def step_by_step(kernel_sizes):
    side = 1
    for size in kernel_sizes:
        side += size - 1
    return side


right(
    "2.d",
    step_by_step,
    lambda sizes: sum(sizes) - len(sizes) + 1,
    lambda sizes: np.sum(np.array(sizes) - 1) + 1,
    lambda sizes: 1 + torch.tensor(sizes).sub(1).sum(),
    lambda sizes: measured(sizes) if len(sizes) < 14 else step_by_step(sizes),
    lambda sizes: list(accumulate(sizes, lambda side, size: side + size - 1))[-1],
)


def emptied(sizes):
    side = step_by_step(sizes)
    sizes.clear()
    return side


wrong(
    "2.d",
    ("do not simply add up", sum),
    ("begins with one pixel", lambda sizes: sum(size - 1 for size in sizes)),
    ("two pixels only if it is 3×3", lambda sizes: 1 + 2 * len(sizes)),
    ("largest kernel alone", max),
    ("sees 5, not 9", lambda sizes: 3 ** len(sizes)),
    ("sees|begins with one", lambda sizes: sizes[0] + 1),
    ("sees|largest", lambda sizes: sizes[0]),
    ("sees|add up", lambda sizes: 2 + sum(size - 1 for size in sizes)),
    ("sees", lambda sizes: step_by_step(sizes) ** 2),
    ("one number", lambda sizes: [size - 1 for size in sizes]),
    ("stopped with TypeError", lambda sizes: sizes - 1),
    ("changes the list", emptied),
)


def both_kinds(
    split=lambda images, seed: images.split(0.2, seed=seed),
    seeded=torch.manual_seed,
    draw=lambda: torch.randn(8, 1, 3, 3),
    edges=lambda: eight,
    call=lambda score, kernels, train, valid: score(kernels, train, valid),
    pair=lambda one, two: (one, two),
):
    def run(images, seeds, score):
        pairs = []
        for seed in seeds:
            train, valid = split(images, seed)
            seeded(seed)
            drawn = draw()
            pairs.append(pair(call(score, edges(), train, valid), call(score, drawn, train, valid)))
        return pairs

    return run


def as_an_array(images, seeds, score):
    result = np.zeros((len(seeds), 2))
    for number, seed in enumerate(seeds):
        parts = images.split(0.2, seed)
        generator = torch.manual_seed(seed)
        result[number] = score(eight, *parts), score(torch.randn(8, 1, 3, 3, generator=generator), *parts)
    return result


def random_first(images, seeds, score):
    pairs = []
    for seed in seeds:
        train, valid = images.split(0.2, seed=seed)
        torch.manual_seed(seed)
        random_accuracy = score(torch.randn(8, 1, 3, 3), train, valid)
        pairs.append([score(eight, train, valid), random_accuracy])
    return pairs


def column_by_column(images, seeds, score):
    parts = [images.split(0.2, seed=seed) for seed in seeds]
    edges = [score(eight, *part) for part in parts]
    other = []
    for seed, part in zip(seeds, parts, strict=True):
        torch.manual_seed(seed)
        other.append(score(torch.randn(8, 1, 3, 3), *part))
    return torch.tensor([edges, other]).T


right(
    "2.4",
    both_kinds(),
    as_an_array,
    random_first,
    column_by_column,
    both_kinds(draw=lambda: torch.empty(8, 1, 3, 3).normal_()),
    both_kinds(pair=lambda one, two: torch.tensor([one, two], dtype=torch.float64)),
)


def other_images(images, seeds, score):
    pairs = []
    for seed in seeds:
        torch.manual_seed(seed)
        kernels = torch.randn(8, 1, 3, 3)
        pairs.append((score(eight, *images.split(0.2, seed=seed)), score(kernels, *images.split(0.2, seed=seed + 9))))
    return pairs


def drawn_once(images, seeds, score):
    torch.manual_seed(seeds[0])
    kernels = torch.randn(8, 1, 3, 3)
    return both_kinds(draw=lambda: kernels)(images, seeds, score)


wrong(
    "2.4",
    ("Measure on the validation", both_kinds(call=lambda score, kernels, train, valid: score(kernels, train, train))),
    ("Measure on the validation", both_kinds(call=lambda score, kernels, train, valid: score(kernels, valid, train))),
    ("that seed's two parts", both_kinds(split=lambda images, seed: images.split(0.2, seed=0))),
    ("that seed's two parts", both_kinds(split=lambda images, seed: images.split(0.1, seed=seed))),
    ("that seed's two parts", other_images),
    ("just before you draw", both_kinds(seeded=lambda seed: None)),
    ("new random kernels", both_kinds(seeded=lambda seed: torch.manual_seed(0))),
    ("new random kernels", drawn_once),
    ("just before you draw", both_kinds(draw=lambda: torch.rand(8, 1, 3, 3))),
    ("should be `eight`", both_kinds(edges=lambda: torch.randn(8, 1, 3, 3))),
    ("should be `eight`", both_kinds(draw=lambda: eight)),
    ("8×1×3×3, not 8×3×3", both_kinds(draw=lambda: torch.randn(8, 3, 3))),
    ("8×1×3×3, not 16×1×3×3", both_kinds(draw=lambda: torch.randn(16, 1, 3, 3))),
    ("begin with the edges", both_kinds(pair=lambda one, two: (two, one))),
    ("not the accuracies", both_kinds(pair=lambda one, two: (100 * one, 100 * two))),
    ("2×2, not", both_kinds(pair=lambda one, two: one - two)),
    ("takes the kernels", both_kinds(call=lambda score, kernels, train, valid: score(train, kernels, valid))),
    ("call score twice", lambda images, seeds, score: [[0.8, 0.6] for _ in seeds]),
)

equal(
    "2.a",
    "of four axes, the last but one is the third",
    "shifted[..., distance:, :] = images[..., :images.shape[+2] - distance, :]",
)
equal("2.b", "a tensor with one number is a number", "return (patch * kernel).sum()")
equal("2.c", "the same for odd kernels", "return (kernel - 1) / 2", "return (kernel - 0) // 2")
