"""Chapters 6 to 8: a network for digits with fewer than 8,000 parameters."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class DigitNet(nn.Module):
    """A network for digits of 1×28×28 with fewer than 8,000 parameters: no dense layer, no bias beside batch norm's.

    With the seven widths given here it has 7,496 parameters. `DigitNet(DigitNet.SKELETON)` is the thinner one that
    chapter 6 begins with, `DigitNet(DigitNet.BEST, separable=True)` the one that chapter 8 ends with.

    Args:
        channels: the widths of the seven blocks; the last convolution always gives 10.
        norm: makes a normalisation layer from a number of channels; `nn.Identity` leaves it out.
        dropout: the probability that a value is dropped, after every block but the 1×1 one that follows the pooling.
            With 0 there are no dropout layers.
        separable: divide each 3×3 convolution but the first in two: one kernel for each map, then a 1×1
            convolution that mixes the maps. That costs fewer parameters, so the maps can be more.
        initialise: draws the weights of every convolution in place, for example `nn.init.kaiming_normal_`; PyTorch's
            own way unless given.

    Source: 1×1 convolutions, and global average pooling in place of dense layers, are from Lin, Chen and Yan, "Network
    in network", 2014; separable convolutions as in Howard et al., "MobileNets", 2017.
    """

    input_shape = (1, 28, 28)
    SKELETON = (8, 12, 8, 12, 12, 16, 10)
    BEST = (8, 16, 36, 36, 36, 36, 36)

    def __init__(
        self,
        channels: tuple[int, ...] = (8, 16, 8, 12, 16, 20, 16),
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        dropout: float = 0,
        separable: bool = False,
        initialise: Callable[[Tensor], Tensor] | None = None,
    ):
        super().__init__()
        a, b, c, d, e, f, g = channels

        def block(
            inputs: int, outputs: int, kernel_size: int, dropout: float = dropout, separable: bool = False
        ) -> list[nn.Module]:
            # No bias: the norm's shift is one.
            layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel_size, bias=False)]
            if separable:
                depthwise = nn.Conv2d(inputs, inputs, kernel_size, groups=inputs, bias=False)
                layers = [depthwise, nn.Conv2d(inputs, outputs, 1, bias=False)]
            layers += [norm(outputs), nn.ReLU()]
            return [*layers, nn.Dropout(dropout)] if dropout else layers

        self.features = nn.Sequential(  # N×1×28×28
            *block(1, a, 3),  # N×a×26×26
            *block(a, b, 3, separable=separable),  # N×b×24×24
            nn.MaxPool2d(2),  # N×b×12×12
            *block(b, c, 1, dropout=0),  # N×c×12×12
            *block(c, d, 3, separable=separable),  # N×d×10×10
            *block(d, e, 3, separable=separable),  # N×e×8×8
            *block(e, f, 3, separable=separable),  # N×f×6×6
        )
        self.classifier = nn.Sequential(
            nn.AvgPool2d(6),  # N×f×1×1: each map's mean
            *block(f, g, 1),  # N×g×1×1
            nn.Conv2d(g, 10, 1, bias=False),  # N×10×1×1
        )
        for layer in self.modules():
            if initialise is not None and isinstance(layer, nn.Conv2d):
                initialise(layer.weight)
        # The channels of a pixel side by side in memory: the same numbers, and a faster step on one CPU thread.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images)).flatten(1)
        return logits
