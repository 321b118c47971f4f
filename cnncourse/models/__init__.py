"""The networks of the course: plain `nn.Module`s, with the shape after each step at the end of its line.

Every model takes a batch of images, float32 N×C×H×W, and returns logits, float32 N×10: one number a class, the
larger the more likely. `input_shape` is the C×H×W that it was designed for.
"""

from cnncourse.models.budget import DigitNet
from cnncourse.models.seminar import (
    CifarNet,
    GroupNorm,
    Residual,
    ResidualCifarNet,
    SeminarCNN,
    SeminarMLP,
    group_norm,
    layer_norm,
)
from cnncourse.models.workshop import ConvNet, LeNet5

__all__ = [
    "CifarNet",
    "ConvNet",
    "DigitNet",
    "GroupNorm",
    "LeNet5",
    "Residual",
    "ResidualCifarNet",
    "SeminarCNN",
    "SeminarMLP",
    "group_norm",
    "layer_norm",
]
