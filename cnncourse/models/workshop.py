"""Chapters 3 to 5: a first convolutional network, and LeNet-5."""

from collections.abc import Callable

from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 for images of 1×32×32: 61,706 parameters.

    As the workshop teaches it: average pooling without weights and a linear output layer, which is simpler than the
    network of the paper.

    Args:
        pool: makes a pooling layer from its size, for example `nn.AvgPool2d` or `nn.MaxPool2d`.
        activation: makes an activation, for example `nn.Tanh` or `nn.ReLU`.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998.
    """

    input_shape = (1, 32, 32)

    def __init__(self, pool: Callable[..., nn.Module] = nn.AvgPool2d, activation: Callable[[], nn.Module] = nn.Tanh):
        super().__init__()
        self.features = nn.Sequential(  # N×1×32×32
            nn.Conv2d(1, 6, kernel_size=5),  # N×6×28×28
            activation(),
            pool(kernel_size=2, stride=2),  # N×6×14×14
            nn.Conv2d(6, 16, kernel_size=5),  # N×16×10×10
            activation(),
            pool(kernel_size=2, stride=2),  # N×16×5×5
        )
        self.classifier = nn.Sequential(  # N×400
            nn.Linear(16 * 5 * 5, 120),  # N×120
            activation(),
            nn.Linear(120, 84),  # N×84
            activation(),
            nn.Linear(84, 10),  # N×10
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


class ConvNet(nn.Module):
    """A first convolutional network for images of 1×28×28: two convolutions and two wide dense layers.

    It has 7,442,314 parameters, and all but 18,816 of them are in the two dense layers.
    """

    input_shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(  # N×1×28×28
            nn.Conv2d(1, 32, kernel_size=3),  # N×32×26×26
            nn.ReLU(),
            nn.MaxPool2d(2),  # N×32×13×13
            nn.Conv2d(32, 64, kernel_size=3),  # N×64×11×11
            nn.ReLU(),
            nn.MaxPool2d(2),  # N×64×5×5
        )
        self.classifier = nn.Sequential(  # N×1600
            nn.Linear(64 * 5 * 5, 4608),  # N×4608
            nn.ReLU(),
            nn.Linear(4608, 10),  # N×10
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits
