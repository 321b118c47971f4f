# ruff: noqa: F821
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
