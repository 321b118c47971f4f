"""torchvision's data sets and transforms, also where its compiled operators do not fit the installed torch.

The torchvision of the Python package index is built for CUDA. Beside a CPU-only torch its library of compiled
operators cannot be loaded, and `import torchvision` stops with "operator torchvision::nms does not exist"
(torchvision issues 9077, 9085, 9086). Data sets and transforms need none of these operators, so it is enough
to declare the two that torchvision looks for while it is imported. Write

    from cnncourse.data import torchvision

and use `torchvision.datasets` and `torchvision.transforms`. After that, `import torchvision` works too. Where it works
as it is, this module does nothing else.
"""

import sys

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

try:
    import torchvision  # noqa: F401
except RuntimeError as error:
    if "operator torchvision::" not in str(error):
        raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left behind
    declared = torch.library.Library("torchvision", "DEF")  # the operators live as long as this object
    for schema in SCHEMAS:
        declared.define(schema)

from torchvision import datasets, transforms  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

__all__ = ["datasets", "transforms", "v2"]
