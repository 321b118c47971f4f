"""Images as tensors: a data set is one tensor, a batch is a slice of it.

`load` gives an `ImageSet` of one of the course's three data sets; `ImageSet.from_folder` and `ImageSet.from_dataset`
make one of your own pictures. A `Loader` turns an `ImageSet` into batches that are ready for a network.
"""

from cnncourse.data._sources import SourceError
from cnncourse.data.image_set import ImageSet
from cnncourse.data.known import CLASSES, DIGITS, STATISTICS, load
from cnncourse.data.loader import Loader
from cnncourse.data.preprocessing import Preprocessing

__all__ = ["CLASSES", "DIGITS", "STATISTICS", "ImageSet", "Loader", "Preprocessing", "SourceError", "load"]
