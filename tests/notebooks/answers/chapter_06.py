# ruff: noqa: E501, F821
import copy

import numpy as np

KERNELS = (3, 3, 1, 3, 3, 3, 1, 1)


def step_by_step(channels):
    left, inputs = 8000, 1
    for kernel, outputs in zip(KERNELS, [*channels, 10], strict=True):
        left -= kernel * kernel * inputs * outputs
        inputs = outputs
    for width in channels:
        left = left - width - width
    return left


def written_out(channels):
    a, b, c, d, e, f, g = channels
    return (
        8000
        - (9 * a + 9 * a * b + b * c + 9 * c * d + 9 * d * e + 9 * e * f + f * g + 10 * g)
        - 2 * (a + b + c + d + e + f + g)
    )


def of_numpy(channels):
    widths = np.array([1, *channels, 10])
    return 8000 - (np.square(KERNELS) * widths[:-1] * widths[1:]).sum() - 2 * np.sum(channels)


right(
    "6.1",
    step_by_step,
    written_out,
    of_numpy,
    lambda channels: torch.tensor(float(written_out(channels))),
    lambda channels: (
        8000 - sum(k**2 * i * o + 2 * o for k, i, o in zip(KERNELS, (1, *channels), (*channels, 10), strict=True)) + 20
    ),
    lambda channels: float(step_by_step(tuple(channels))),
)


def counted(kernels=KERNELS, norm=2, last=True, bias=0, norm_last=0):
    def budget_left(channels):
        widths = (1, *channels, 10) if last else (1, *channels)
        weights = sum(k * k * i * o for k, i, o in zip(kernels, widths, widths[1:], strict=False))
        return 8000 - weights - norm * sum(channels) - bias * (sum(channels) + 10) - norm_last

    return budget_left


wrong(
    "6.1",
    ("network was built", lambda channels: 8000 - parameters(DigitNet(channels))),
    ("what the network uses", lambda channels: 8000 - written_out(channels)),
    ("scale and a shift", counted(norm=0)),
    ("scale and a shift", counted(norm=1)),
    ("not followed by batch norm", counted(norm_last=20)),
    ("no biases", counted(bias=1)),
    ("no biases", counted(norm=3)),
    ("to the ten logits, has 100 weights", counted(last=False)),
    ("Not all kernels are 3×3", counted(kernels=(3,) * 8)),
    ("each width counts twice", counted(kernels=(3, 3, 3, 3, 3, 3, 1, 1))),
    ("each width counts twice", lambda channels: 8000 - 9 * sum(channels)),
    ("widths .* it is", lambda channels: 2664),
    ("network was built", lambda channels: written_out(channels) + 0 * torch.rand(1).item()),
    ("changes the|stopped with", lambda channels: channels.append(3)),
    ("one number, not a tuple", lambda channels: (2664, 0)),
    ("each width counts twice|it is", lambda channels: written_out(channels[::-1])),
    ("it is", lambda channels: written_out(channels) - 1),
)


def by_copying(convolution, norm):
    folded = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size, bias=True)
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    with torch.no_grad():
        folded.weight.copy_((convolution.weight.flatten(1) * factor[:, None]).view_as(convolution.weight))
        folded.bias.copy_(norm.bias - factor * norm.running_mean)
    return folded


def by_parameters(convolution, norm):
    folded = copy.deepcopy(convolution)
    scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    folded.weight = nn.Parameter(torch.einsum("oikl,o->oikl", convolution.weight.detach(), scale))
    folded.bias = nn.Parameter(norm.bias.detach() - norm.running_mean * scale)
    return folded


def channel_by_channel(convolution, norm):
    folded = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size)
    for channel in range(convolution.out_channels):
        factor = norm.weight[channel].item() / (norm.running_var[channel].item() + norm.eps) ** 0.5
        folded.weight.data[channel] = factor * convolution.weight.data[channel]
        folded.bias.data[channel] = norm.bias[channel].item() - factor * norm.running_mean[channel].item()
    return folded


def by_asking(convolution, norm):
    """The norm of a black and of a white pixel says what it does."""
    maps = convolution.out_channels
    with torch.no_grad():
        shift, both = norm(torch.stack([torch.zeros(maps, 1, 1), torch.ones(maps, 1, 1)]))[..., 0, 0]
    folded = nn.Conv2d(convolution.in_channels, maps, convolution.kernel_size)
    folded.load_state_dict({"weight": convolution.weight * (both - shift).view(-1, 1, 1, 1), "bias": shift})
    return folded


right(
    "6.2",
    by_copying,
    by_parameters,
    channel_by_channel,
    by_asking,
    torch.nn.utils.fusion.fuse_conv_bn_eval,
    lambda c, n: by_copying(c, n).double().float(),
)


def folding(factor=lambda norm: norm.weight.data / (norm.running_var + norm.eps).sqrt(), bias=None, **settings):
    def fold(convolution, norm):
        folded = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size, **settings)
        scale = factor(norm)
        folded.weight.data = convolution.weight.data * scale[:, None, None, None]
        if folded.bias is not None:
            folded.bias.data = bias(norm, scale) if bias else norm.bias.data - norm.running_mean * scale
        return folded

    return fold


def scaling_the_given(convolution, norm):
    factor = norm.weight.data / (norm.running_var + norm.eps).sqrt()
    convolution.weight.data *= factor[:, None, None, None]
    convolution.bias = nn.Parameter(norm.bias.data - norm.running_mean * factor)
    return convolution


def wrong_axis(convolution, norm):
    factor = norm.weight.data / (norm.running_var + norm.eps).sqrt()
    folded = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size)
    folded.weight.data = convolution.weight.data * factor
    return folded


wrong(
    "6.2",
    ("changes the Conv2d", scaling_the_given),
    ("needs a bias", lambda convolution, norm: copy.deepcopy(convolution)),
    ("weights are as before", folding(lambda norm: torch.ones_like(norm.running_var))),
    ("adds eps", folding(lambda norm: norm.weight.data / norm.running_var.sqrt())),
    ("root of the variance, not by", folding(lambda norm: norm.weight.data / (norm.running_var + norm.eps))),
    ("multiply those of channel c", folding(lambda norm: 1 / (norm.running_var + norm.eps).sqrt())),
    ("multiply those of channel c", folding(lambda norm: norm.weight.data * (norm.running_var + norm.eps).sqrt())),
    ("multiply those of channel c", folding(lambda norm: norm.bias.data / (norm.running_var + norm.eps).sqrt())),
    ("bias is not right", folding(bias=lambda norm, scale: norm.bias.data)),
    ("bias is not right", folding(bias=lambda norm, scale: norm.bias.data + norm.running_mean * scale)),
    ("bias is not right", folding(bias=lambda norm, scale: norm.bias.data - norm.running_mean)),
    ("bias is not right", folding(bias=lambda norm, scale: (norm.bias.data - norm.running_mean) * scale)),
    ("other settings", folding(padding=1)),
    ("other settings", folding(stride=2)),
    ("stopped with RuntimeError: The size of tensor", wrong_axis),
    ("nn.Conv2d, not a Sequential", lambda convolution, norm: nn.Sequential(convolution, norm)),
    ("nn.Conv2d, not a Tensor", lambda convolution, norm: convolution.weight.data),
    ("shapes", lambda convolution, norm: nn.Conv2d(3, 4, 1)),
)

equal(
    "6.1",
    "strict only guards against a slip",
    "weights = [k * k * i * o for k, i, o in zip(kernels, (1, *channels), (*channels, 10))]",
    "weights = [k * k * i * o for k, i, o in zip(kernels, (1, *channels), (*channels, 10), strict=False)]",
)


right(
    "6.a",
    lambda maps, size, units: units * (maps * size * size + 1),
    lambda maps, size, units: sum(map(torch.numel, nn.Linear(maps * size**2, units).parameters())),
    lambda maps, size, units: torch.tensor(maps * size * size * units + units),
    lambda maps, size, units: float(maps * size**2 * units) + float(units),
    lambda maps, size, units: np.prod([maps, size, size, units]) + units,
)
wrong(
    "6.a",
    ("biases are missing", lambda maps, size, units: maps * size**2 * units),
    ("not each input", lambda maps, size, units: maps * size**2 * units + maps * size**2),
    ("a map has", lambda maps, size, units: maps * size * units + units),
    ("a map has", lambda maps, size, units: maps * units + units),
    ("has its bias", lambda maps, size, units: maps * size**2 * units + 1),
    ("it should be", lambda maps, size, units: maps * size**2 + units),
    ("it should be", lambda maps, size, units: (maps + size**2) * units + units),
    ("it should be|not each input", lambda maps, size, units: maps * size**2 * (units + 1)),
    ("it should be|not each input", lambda maps, size, units: size**2 * units + units),
    ("it should be", lambda maps, size, units: maps * size**2 * units - units),
    ("one number", lambda maps, size, units: (maps * size**2 * units, units)),
)

right(
    "6.b",
    lambda x, mean, variance, scale, shift: scale * (x - mean) / math.sqrt(variance + 1e-5) + shift,
    lambda x, mean, variance, scale, shift: (x - mean) * (scale * (variance + 1e-5) ** -0.5) + shift,
    lambda x, mean, variance, scale, shift: np.float64(x - mean) / np.sqrt(variance + 1e-5) * scale + shift,
    lambda x, mean, variance, scale, shift: torch.tensor(x - mean) / torch.tensor(variance + 1e-5).sqrt() * scale + shift,
    lambda x, mean, variance, scale, shift: F.batch_norm(
        torch.full((1, 1), float(x)), torch.full((1,), float(mean)), torch.full((1,), float(variance)),
        torch.full((1,), float(scale)), torch.full((1,), float(shift)),
    ),
)  # fmt: skip
wrong(
    "6.b",
    ("root of the variance", lambda x, mean, variance, scale, shift: scale * (x - mean) / (variance + 1e-5) + shift),
    (
        "the other way round",
        lambda x, mean, variance, scale, shift: scale * (mean - x) / (variance + 1e-5) ** 0.5 + shift,
    ),
    (
        "shift comes last",
        lambda x, mean, variance, scale, shift: scale * ((x - mean) / (variance + 1e-5) ** 0.5 + shift),
    ),
    ("epsilon is missing", lambda x, mean, variance, scale, shift: scale * (x - mean) / variance**0.5 + shift),
    ("it should be", lambda x, mean, variance, scale, shift: (x - mean) / (variance + 1e-5) ** 0.5),
    ("it should be", lambda x, mean, variance, scale, shift: scale * (x - mean) / ((variance) ** 0.5 + 1e-5) + shift),
    ("it should be", lambda x, mean, variance, scale, shift: scale * (x - mean) + shift),
    ("it should be", lambda x, mean, variance, scale, shift: scale * (x - mean) / (variance + 1e-5) ** 0.5 - shift - 1),
    ("it should be", lambda x, mean, variance, scale, shift: scale * x / (variance + 1e-5) ** 0.5 + shift),
    ("it should be", lambda x, mean, variance, scale, shift: shift * (x - mean) / (variance + 1e-5) ** 0.5 + scale),
)

right(
    "6.c",
    lambda kernels, strides: 1 + sum((k - 1) * math.prod(strides[:n]) for n, k in enumerate(kernels)),
    lambda kernels, strides: 1 + int(np.dot(np.array(kernels) - 1, np.cumprod([1, *strides[:-1]]))),
    lambda kernels, strides: torch.tensor(1 + sum((k - 1) * math.prod(strides[:n]) for n, k in enumerate(kernels))),
    lambda kernels, strides: backwards(kernels, strides),
    lambda kernels, strides: float(receptive(kernels, strides)),
)


def backwards(kernels, strides):
    size = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        size = (size - 1) * stride + kernel
    return size


def receptive(kernels, strides):
    network = nn.Sequential(*[nn.Conv2d(1, 1, k, s) for k, s in zip(kernels, strides, strict=True)])
    return receptive_field(network, (1, 64, 64))[-1].size


wrong(
    "6.c",
    ("begin with 1", lambda kernels, strides: backwards(kernels, strides) - 1),
    ("lie further apart", lambda kernels, strides: 1 + sum(k - 1 for k in kernels)),
    ("k - 1 jumps apart", lambda kernels, strides: sum(k * math.prod(strides[:n]) for n, k in enumerate(kernels))),
    ("k - 1 jumps apart", lambda kernels, strides: 1 + sum(k * math.prod(strides[:n]) for n, k in enumerate(kernels))),
    (
        "not for its own",
        lambda kernels, strides: 1 + sum((k - 1) * math.prod(strides[: n + 1]) for n, k in enumerate(kernels)),
    ),
    ("should be|k - 1", lambda kernels, strides: sum(kernels)),
    ("should be", lambda kernels, strides: max(kernels) * math.prod(strides) + 40),
    (
        "should be|further apart|begin with 1",
        lambda kernels, strides: 1 + sum((k - 1) * s for k, s in zip(kernels, strides, strict=True)),
    ),
    ("should be|k - 1|begin with 1", lambda kernels, strides: math.prod(kernels)),
    ("should be|further apart|begin with 1", lambda kernels, strides: 1 + (kernels[0] - 1)),
    ("one number", lambda kernels, strides: [1, 1]),
)

equal(
    "6.c",
    "strict only guards against a slip",
    "for kernel, stride in zip(kernels, strides):",
    "for kernel, stride in zip(kernels, strides, strict=False):",
)

right(
    "6.d",
    lambda inputs, size: (2 / (inputs * size * size)) ** 0.5,
    lambda inputs, size: math.sqrt(2) / (size * math.sqrt(inputs)),
    lambda inputs, size: np.sqrt(2 / nn.Conv2d(inputs, 1, size).weight.numel()),
    lambda inputs, size: torch.tensor(2 / (inputs * size**2)).sqrt(),
    lambda inputs, size: nn.init.calculate_gain("relu") / (inputs * size**2) ** 0.5,
)
wrong(
    "6.d",
    ("root is missing", lambda inputs, size: 2 / (inputs * size**2)),
    ("ReLU takes half", lambda inputs, size: math.sqrt(1 / (inputs * size**2))),
    ("weights for each channel", lambda inputs, size: math.sqrt(2 / (inputs * size))),
    ("weights for each channel|it should be", lambda inputs, size: math.sqrt(2 / inputs)),
    ("from all", lambda inputs, size: math.sqrt(2 / size**2) if inputs > 1 else math.sqrt(2 / 9)),
    ("it should be", lambda inputs, size: math.sqrt(2 * inputs * size**2)),
    ("it should be", lambda inputs, size: math.sqrt(2) / (inputs * size**2)),
    ("it should be", lambda inputs, size: math.sqrt(6 / (inputs * size**2))),
    ("it should be", lambda inputs, size: math.sqrt(2 / (inputs + size**2))),
    ("one number", lambda inputs, size: torch.randn(5)),
)


RIVAL = (15, 15, 8, 10, 10, 10, 10)


def paired(measure, design, rival, seeds):
    return [measure(rival, seed) - measure(design, seed) for seed in seeds]


def widths(*chosen):
    return lambda: chosen


def with_numpy(measure, design, rival, seeds):
    return np.array([measure(rival, s) for s in seeds]) - np.array([measure(design, s) for s in seeds])


def with_a_dict(measure, design, rival, seeds):
    table = {(name, seed): measure(each, seed) for name, each in (("a", design), ("b", rival)) for seed in seeds}
    return torch.tensor([table["b", seed] - table["a", seed] for seed in seeds])


def by_turns(measure, design, rival, seeds):
    found = []
    for seed in seeds:
        first = measure(list(design), seed)
        found += [measure(list(rival), seed) - first]
    return tuple(found)


right(
    "6.3",
    (lambda: RIVAL, paired),
    (lambda: list(RIVAL), with_numpy),
    (lambda: torch.tensor(RIVAL), with_a_dict),
    (lambda: np.array([14, 16, 8, 10, 10, 10, 10]), by_turns),
    (widths(17, 14, 9, 9, 9, 9, 12), lambda measure, design, rival, seeds: [*map(
        float.__sub__, [float(measure(rival, s)) for s in seeds], [float(measure(design, s)) for s in seeds]
    )]),
)  # fmt: skip
wrong(
    "6.3",
    ("the skeleton only", (widths(16, 16, 8, 12, 12, 12, 10), paired)),
    ("has only", (widths(9, 9, 4, 8, 8, 8, 10), paired)),
    ("wider than the fourth", (lambda: DigitNet.SKELETON, paired)),
    ("wider than the fourth", (widths(15, 10, 8, 10, 10, 10, 10), paired)),
    ("whole numbers", (widths(15.5, 15, 8, 10, 10, 10, 10), paired)),
    ("whole numbers", (widths(15, 15, 0, 10, 10, 10, 10), paired)),
    ("should be 7", (widths(15, 15, 10, 10, 10, 10), paired)),
    ("other way round", (lambda: RIVAL, lambda m, design, rival, seeds: paired(m, rival, design, seeds))),
    ("each should train both", (lambda: RIVAL, lambda m, d, r, seeds: [m(r, s) - m(d, s + 1) for s in seeds])),
    ("each should train both", (lambda: RIVAL, lambda m, d, r, seeds: [m(r, s) - m(d, 0) for s in seeds])),
    ("each should train both", (lambda: RIVAL, lambda m, d, r, seeds: paired(m, d, r, range(len(seeds))))),
    ("should be 3", (lambda: RIVAL, lambda m, d, r, seeds: paired(m, d, r, seeds[:2]))),
    ("should be 3", (lambda: RIVAL, lambda m, d, r, seeds: sum(paired(m, d, r, seeds)) / len(seeds))),
    ("Train both", (lambda: RIVAL, lambda m, d, r, seeds: [m(r, s) for s in seeds])),
    ("same seed, in the order", (lambda: RIVAL, lambda m, d, r, seeds: [
        one - other for one, other in zip([m(r, s) for s in seeds], [m(d, s) for s in sorted(seeds)][::-1], strict=True)
    ])),
    ("same seed, in the order", (lambda: RIVAL, lambda m, d, r, seeds: [abs(x) + 1 for x in paired(m, d, r, seeds)])),
)  # fmt: skip

equal(
    "6.3",
    "other widths are as fair",
    "return (16, 15, 8, 10, 10, 10, 10)",
    "return (14, 15, 8, 10, 10, 10, 10)",
    "return (15, 16, 8, 10, 10, 10, 10)",
    "return (15, 14, 8, 10, 10, 10, 10)",
    "return (15, 15, 9, 10, 10, 10, 10)",
    "return (15, 15, 7, 10, 10, 10, 10)",
    "return (15, 15, 8, 11, 10, 10, 10)",
    "return (15, 15, 8, 9, 10, 10, 10)",
    "return (15, 15, 8, 10, 9, 10, 10)",
    "return (15, 15, 8, 10, 10, 11, 10)",
    "return (15, 15, 8, 10, 10, 9, 10)",
    "return (15, 15, 8, 10, 10, 10, 11)",
    "return (15, 15, 8, 10, 10, 10, 9)",
)
