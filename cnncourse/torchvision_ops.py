"""Import torchvision where its compiled operators do not fit the installed torch.

The torchvision of the Python package index is built for CUDA. Beside a CPU-only torch its library of compiled
operators cannot be loaded, and `import torchvision` stops with "operator torchvision::nms does not exist"
(torchvision issues 9077, 9085, 9086). Data sets and transforms need none of these operators, so it is enough
to declare the two that torchvision looks for while it is imported. Write either of

    from cnncourse.torchvision_ops import torchvision

    import cnncourse.torchvision_ops  # before torchvision
    import torchvision

Where `import torchvision` works as it is, this module does nothing else.
"""

import sys

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

try:
    import torchvision
except RuntimeError as error:
    if "operator torchvision::" not in str(error):
        raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left behind
    declared = torch.library.Library("torchvision", "DEF")  # the operators live as long as this object
    for schema in SCHEMAS:
        declared.define(schema)
    import torchvision

__all__ = ["torchvision"]
