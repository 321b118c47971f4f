"""Looking at a network: at its layers, at what they see in an image, and at what it gets wrong.

The functions stand in three modules: `structure`, `inside` and `mistakes`.
"""

from cnncourse.inside import feature_maps, grad_cam
from cnncourse.mistakes import confusion_matrix, misclassified
from cnncourse.structure import Layer, receptive_field, summary

__all__ = ["Layer", "confusion_matrix", "feature_maps", "grad_cam", "misclassified", "receptive_field", "summary"]
