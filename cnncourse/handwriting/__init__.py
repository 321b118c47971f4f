"""Handwriting as MNIST's images show it: what is drawn on the pad, or photographed, becomes 28×28 pixels."""

from cnncourse.handwriting.digits import PAD_SIZE, digit_image

__all__ = ["PAD_SIZE", "digit_image"]
