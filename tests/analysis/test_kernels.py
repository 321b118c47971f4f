"""Receptive fields of layers of all kinds, compared with the pixels that have a gradient."""

import pytest
import torch
from torch import nn
from torch.nn.modules import activation

from cnncourse.analysis import receptive_field


def measured(model: nn.Module, pixels: int, place: int, number: int = 40) -> list[int]:
    """First and last row, first and last column of the pixels of 2×pixels×pixels on which an output pixel depends."""
    model.double().eval()
    images = torch.rand(number, 2, pixels, pixels, dtype=torch.float64).requires_grad_()
    output = model(images)[:, :, place, place]
    (output * torch.rand_like(output)).sum().backward()  # no plain sum: that of a softmax is always 1
    moved = images.grad.abs().amax(dim=(0, 1)) > 1e-9
    if not moved.any():
        return []
    rows, columns = moved.any(dim=1).nonzero(), moved.any(dim=0).nonzero()
    return [rows.min().item(), rows.max().item(), columns.min().item(), columns.max().item()]


def expected(model: nn.Module, pixels: int, place: int) -> list[int]:
    *_, row = receptive_field(model, (2, pixels, pixels))
    middle, half = row.start + place * row.jump, (row.size - 1) / 2
    first, last = max(0, middle - half), min(pixels - 1, middle + half)
    return 2 * [first, last] if first <= last else []  # a pixel may see padding alone


def positive(model: nn.Module) -> nn.Module:
    """All weights positive, so that nothing cancels, and small, so that no activation is at its end."""
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.1, 0.3)
        parameter.data /= parameter[0].numel()
    return model


def convolution(**settings) -> nn.Module:
    return nn.Conv2d(2, 2, 3, **settings)


KEPT = {
    **{name: getattr(activation, name) for name in activation.__all__ if name not in ("MultiheadAttention", "GLU")},
    "Threshold": lambda: nn.Threshold(0.1, 0.2),
    "Hardshrink": lambda: nn.Hardshrink(0.1),
    "Softshrink": lambda: nn.Softshrink(0.1),
    "Softmax": lambda: nn.Softmax(dim=1),
    "Softmin": lambda: nn.Softmin(dim=-3),
    "LogSoftmax": lambda: nn.LogSoftmax(dim=1),
    "GLU": lambda: nn.Sequential(nn.Conv2d(2, 4, 1), nn.GLU(dim=1)),
    "Dropout2d": nn.Dropout2d,
    "AlphaDropout": nn.AlphaDropout,
    "FeatureAlphaDropout": nn.FeatureAlphaDropout,
    "ChannelShuffle": lambda: nn.ChannelShuffle(2),
    "LocalResponseNorm": lambda: nn.LocalResponseNorm(2),
    "BatchNorm2d": lambda: nn.BatchNorm2d(2),
    "InstanceNorm2d with statistics": lambda: nn.InstanceNorm2d(2, track_running_stats=True),
    "ReLU of a subclass": lambda: type("Mine", (nn.ReLU,), {})(),
    "ZeroPad2d": lambda: nn.ZeroPad2d(2),
    "ZeroPad2d behind": lambda: nn.ZeroPad2d((0, 1, 0, 1)),
    "ConstantPad2d": lambda: nn.ConstantPad2d((1, 2, 1, 2), 0.5),
    "cropped": lambda: nn.ZeroPad2d(-1),
    "Conv2d of groups": lambda: nn.Sequential(convolution(groups=2), nn.Conv2d(2, 2, 1)),
    "Conv2d with mirrored padding": lambda: convolution(padding=1, padding_mode="reflect"),
    "Conv2d with repeated padding": lambda: convolution(padding=2, dilation=2, padding_mode="replicate"),
    "MaxPool2d with ceil_mode": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "MaxPool2d with dilation": lambda: nn.MaxPool2d(2, 1, dilation=3),
    "AvgPool2d with ceil_mode": lambda: nn.AvgPool2d(2, 2, padding=1, ceil_mode=True),
    "LPPool2d": lambda: nn.LPPool2d(2, 3),
    "AdaptiveAvgPool2d that divides the map": lambda: nn.AdaptiveAvgPool2d(7),
    "AdaptiveMaxPool2d that keeps the map": lambda: nn.AdaptiveMaxPool2d(21),
}


@pytest.mark.filterwarnings("ignore:Implicit dimension choice for softmax")
@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("corner", ["first", "middle", "last"])
def test_layers_whose_field_is_computed(name, corner):
    torch.manual_seed(0)
    model = positive(nn.Sequential(nn.Conv2d(2, 2, 3), KEPT[name](), nn.Conv2d(2, 2, 3)))
    output = receptive_field(model, (2, 23, 23))[-1].output
    place = {"first": 0, "middle": output // 2, "last": output - 1}[corner]
    found = measured(model, 23, place, number=400 if "Max" in name else 40)
    assert found == expected(model, 23, place)


class Pooled(nn.ReLU):
    """A subclass of a layer that is known, which does something else."""

    def forward(self, maps):
        return nn.functional.max_pool2d(maps, 3, 1, 1)


MIXED = {
    "BatchNorm2d without statistics": nn.BatchNorm2d(2, track_running_stats=False),
    "InstanceNorm2d": nn.InstanceNorm2d(2),
    "GroupNorm": nn.GroupNorm(2, 2),
    "LayerNorm": nn.LayerNorm((2, 10, 10)),
    "LayerNorm of rows": nn.LayerNorm(10),
    "RMSNorm": nn.RMSNorm((10, 10)),
    "Softmax of rows": nn.Softmax(dim=-1),
    "LogSoftmax of columns": nn.LogSoftmax(dim=2),
    "GLU of rows": nn.GLU(),
    "Conv2d around the edge": convolution(padding=1, padding_mode="circular"),
    "Conv2d with much mirrored padding": convolution(padding=3, padding_mode="reflect"),
    "Conv2d with an even kernel, mirrored": nn.Conv2d(2, 2, 4, padding="same", padding_mode="reflect"),
    "a subclass": Pooled(),
    "PixelShuffle": nn.Sequential(nn.Conv2d(2, 8, 1), nn.PixelShuffle(2)),
    "Upsample": nn.Upsample(scale_factor=2),
    "ConvTranspose2d": nn.ConvTranspose2d(2, 2, 2),
    "ReflectionPad2d": nn.ReflectionPad2d(2),
    "ZeroPad2d at one side": nn.ZeroPad2d((1, 0, 0, 1)),
    "AdaptiveAvgPool2d that doesn't divide the map": nn.AdaptiveAvgPool2d(3),
}


@pytest.mark.parametrize("name", MIXED)
def test_layers_whose_field_is_refused(name):
    with pytest.raises(ValueError, match=r"1(\.1)?, \w+\(.*, takes mean and variance|doesn't know the layer 1(\.1)?, "):
        receptive_field(nn.Sequential(nn.Conv2d(2, 2, 3), MIXED[name]), (2, 12, 12))


def test_a_norm_that_has_nothing_left_to_mix():
    layers = [nn.Conv2d(2, 4, 3), nn.AdaptiveAvgPool2d(1), nn.GroupNorm(2, 4), nn.Flatten(), nn.LayerNorm(4)]
    model = nn.Sequential(*layers, nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Softmax(dim=-1))
    assert [row.size for row in receptive_field(model, (2, 12, 12))] == [3, 12, 12]


def random_layer() -> nn.Module:
    kernel, stride, padding, dilation = (int(torch.randint(1, high + 1, ())) for high in (4, 2, 2, 2))
    mode = ["zeros", "zeros", "reflect", "replicate", "circular"][int(torch.randint(5, ()))]
    layers = [
        lambda: nn.Conv2d(2, 2, kernel, stride, padding, dilation, padding_mode=mode),
        lambda: nn.Conv2d(2, 2, kernel, stride, padding, dilation, groups=2),
        lambda: nn.AvgPool2d(kernel, stride, min(padding, kernel // 2), ceil_mode=True),
        lambda: nn.BatchNorm2d(2, track_running_stats=padding > 1),
        lambda: nn.Softmax(dim=dilation),
        lambda: nn.Softplus(),
        lambda: nn.ZeroPad2d((padding, stride, padding, dilation)),
        lambda: nn.AdaptiveAvgPool2d(5 * padding),
    ]
    return layers[int(torch.randint(len(layers), ()))]()


def test_random_networks_have_the_field_that_their_gradients_show_or_are_refused():
    right = refused = 0
    for seed in range(120):
        torch.manual_seed(seed)
        model = positive(nn.Sequential(nn.Conv2d(2, 2, 1), *(random_layer() for _ in range(3)), nn.Conv2d(2, 2, 1)))
        try:
            place = receptive_field(model, (2, 40, 40))[-1].output // 2
        except ValueError:
            refused += 1
            continue
        right += measured(model, 40, place, number=10) == expected(model, 40, place)
    assert right + refused == 120
    assert min(right, refused) > 30
