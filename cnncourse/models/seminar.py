"""Chapters 9 and 10: a dense and a convolutional network, and norms on CIFAR-10."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class SeminarCNN(nn.Sequential):
    """The convolutional network of the seminar for digits of 1×28×28: 224,838 parameters, 9,583,974 multiply-adds.

    Six blocks, one after the other: `model[0]` is the first. The outputs are log probabilities, so `.exp()` makes
    probabilities of them. They are logits too: softmax gives the same probabilities, and cross-entropy takes them.

    Source: a seminar on machine learning at the Karlsruhe Institute of Technology, 2023. Its table of layers doesn't
    give the slope of the leaky ReLU; 0.2 is from its code.
    """

    input_shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__(  # N×1×28×28
            nn.Sequential(nn.Conv2d(1, 16, kernel_size=4), nn.LeakyReLU(0.2)),  # N×16×25×25
            nn.Sequential(
                nn.Conv2d(16, 32, kernel_size=4),  # N×32×22×22
                nn.LeakyReLU(0.2),
                nn.MaxPool2d(2),  # N×32×11×11
            ),
            nn.Sequential(nn.Conv2d(32, 64, kernel_size=4), nn.LeakyReLU(0.2)),  # N×64×8×8
            nn.Sequential(
                nn.Conv2d(64, 128, kernel_size=4),  # N×128×5×5
                nn.LeakyReLU(0.2),
                nn.MaxPool2d(2),  # N×128×2×2: the fifth row and column are left out
                nn.Flatten(),  # N×512
            ),
            nn.Sequential(nn.Linear(128 * 2 * 2, 100), nn.LeakyReLU(0.2)),  # N×100
            nn.Sequential(nn.Linear(100, 10), nn.LogSoftmax(dim=1)),  # N×10
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in DigitNet: a faster step on one CPU thread


class SeminarMLP(nn.Sequential):
    """The dense network of the seminar for digits of 1×28×28: 226,910 parameters and as many multiply-adds.

    It has 0.9 % more parameters than `SeminarCNN`, but uses each of them only once for an image: 42 times fewer
    multiply-adds. Its outputs are log probabilities too. Source: as for `SeminarCNN`.
    """

    input_shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__(  # N×1×28×28
            nn.Sequential(
                nn.Flatten(),  # N×784
                nn.Linear(28 * 28, 250),  # N×250
                nn.LeakyReLU(0.2),
            ),
            nn.Sequential(nn.Linear(250, 100), nn.LeakyReLU(0.2)),  # N×100
            nn.Sequential(nn.Linear(100, 50), nn.LeakyReLU(0.2)),  # N×50
            nn.Sequential(nn.Linear(50, 10), nn.LogSoftmax(dim=1)),  # N×10
        )


class GroupNorm(nn.GroupNorm):
    """torch's group norm, which also writes its number of groups into a checkpoint.

    Its tensors are the same for every number of groups, so weights of another normalisation would load without a word.
    """

    def get_extra_state(self) -> dict[str, int]:
        return {"groups": self.num_groups}

    def set_extra_state(self, state: dict[str, int]) -> None:
        if state != self.get_extra_state():
            raise ValueError(f"these weights are of a norm with groups = {state['groups']}, not {self.num_groups}")


def group_norm(channels: int, groups: int = 4) -> GroupNorm:
    """Group norm as a `norm` for the models: `CifarNet(norm=group_norm)`, or with `partial(group_norm, groups=8)`.

    It normalises each image by itself: the values of a group of channels get mean 0 and variance 1; then each channel
    is scaled and shifted by two numbers of its own, which are learnt.

    Raises:
        ValueError: the groups do not divide the channels; names both.

    Source: Wu and He, "Group normalization", 2018.
    """
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels can't be divided into {groups} equal groups")
    return GroupNorm(groups, channels)


def layer_norm(channels: int) -> GroupNorm:
    """Layer norm for maps: group norm with all channels in one group, so that each image is normalised as a whole.

    The scale and the shift belong to a channel, as in batch norm. `nn.LayerNorm((C, H, W))` learns them for each pixel
    of each channel instead, with which `CifarNet` would have 191,482 parameters.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    return GroupNorm(1, channels)


class CifarNet(nn.Module):
    """A network for colour images of 3×32×32: 46,202 parameters with batch, group and layer norm alike.

    Each of these norms learns two numbers for each channel. They follow the ReLU here, so the convolutions keep their
    biases. The 1×1 convolutions and the last 3×3 one have no ReLU and no norm.

    Args:
        norm: makes a normalisation layer from a number of channels: `nn.BatchNorm2d`, `group_norm`, `layer_norm`.
        dropout: the probability that a value is dropped, after each norm.

    Source: a repository that compares the three norms on CIFAR-10. It doesn't tell its groups and its dropout.
    """

    input_shape = (3, 32, 32)

    def __init__(self, norm: Callable[[int], nn.Module] = nn.BatchNorm2d, dropout: float = 0.05):
        super().__init__()

        def block(inputs: int, outputs: int, padding: int = 1) -> list[nn.Module]:
            convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=padding)
            return [convolution, nn.ReLU(), norm(outputs), nn.Dropout(dropout)]

        self.features = nn.Sequential(  # N×3×32×32
            *block(3, 16),  # N×16×32×32
            *block(16, 32),  # N×32×32×32
            nn.Conv2d(32, 16, kernel_size=1),  # N×16×32×32
            nn.MaxPool2d(2),  # N×16×16×16
            *block(16, 16),  # N×16×16×16
            *block(16, 32),  # N×32×16×16
            *block(32, 32),  # N×32×16×16
            nn.Conv2d(32, 16, kernel_size=1),  # N×16×16×16
            nn.MaxPool2d(2),  # N×16×8×8
            *block(16, 32),  # N×32×8×8
            *block(32, 32, padding=0),  # N×32×6×6
            nn.Conv2d(32, 32, kernel_size=3),  # N×32×4×4
        )
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # N×32×1×1: each map's mean
            nn.Conv2d(32, 10, kernel_size=1),  # N×10×1×1
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in DigitNet: a faster step on one CPU thread

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images)).flatten(1)
        return logits


class Residual(nn.Sequential):
    """Layers whose output is added to their input, which has the same shape: they learn what to change.

    Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016.
    """

    def forward(self, maps: Tensor) -> Tensor:
        changes: Tensor = super().forward(maps)
        return maps + changes


class ResidualCifarNet(nn.Module):
    """A network for colour images of 3×32×32 under a budget of 50,000: 47,674 parameters.

    All 3×3 convolutions but the first are divided in two, as in `DigitNet`: one kernel for each map, then a 1×1
    convolution that mixes the maps. Six of the eight blocks made of them are residual; two have stride 2.
    """

    input_shape = (3, 32, 32)

    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
            return [
                nn.Conv2d(inputs, inputs, kernel_size=3, stride=stride, padding=1, groups=inputs, bias=False),
                nn.Conv2d(inputs, outputs, kernel_size=1, bias=False),  # the norm's shift is bias enough
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]

        self.features = nn.Sequential(  # N×3×32×32
            nn.Conv2d(3, 24, kernel_size=3, padding=1, bias=False),  # N×24×32×32
            nn.BatchNorm2d(24),
            nn.ReLU(),
            *block(24, 48, stride=2),  # N×48×16×16
            Residual(*block(48, 48)),  # N×48×16×16
            Residual(*block(48, 48)),  # N×48×16×16
            Residual(*block(48, 48)),  # N×48×16×16
            *block(48, 96, stride=2),  # N×96×8×8
            Residual(*block(96, 96)),  # N×96×8×8
            Residual(*block(96, 96)),  # N×96×8×8
            Residual(*block(96, 96)),  # N×96×8×8
        )
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # N×96×1×1: each map's mean
            nn.Conv2d(96, 10, kernel_size=1),  # N×10×1×1
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in DigitNet: a faster step on one CPU thread

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images)).flatten(1)
        return logits
