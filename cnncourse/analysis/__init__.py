"""Looking at a network: at its layers, at what they see in an image, and at what it gets wrong."""

from cnncourse.analysis.activations import feature_maps, grad_cam
from cnncourse.analysis.calibration import calibration_error, fit_temperature
from cnncourse.analysis.diagram import Diagram, diagram
from cnncourse.analysis.errors import Mistake, Mistakes, confusion_matrix, misclassified
from cnncourse.analysis.structure import Field, Layer, ReceptiveField, Summary, receptive_field, summary

__all__ = [
    "Diagram",
    "Field",
    "Layer",
    "Mistake",
    "Mistakes",
    "ReceptiveField",
    "Summary",
    "calibration_error",
    "confusion_matrix",
    "diagram",
    "feature_maps",
    "fit_temperature",
    "grad_cam",
    "misclassified",
    "receptive_field",
    "summary",
]
