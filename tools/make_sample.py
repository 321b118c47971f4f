"""Cut the bundled sample in data/sample/ from the full data sets.

Of each class the first 200 training and the first 50 test images are kept, in their original order. The same data
gives the same arrays, and with the same zlib the same files, byte for byte.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

from cnncourse import settings
from cnncourse.data import _sources as sources

IMAGES_PER_CLASS = {"train": 200, "test": 50}


def cut(name: str) -> dict[str, np.ndarray]:
    """The arrays of the sample of `name`: train_images, train_labels, test_images, test_labels, all uint8."""
    sample = {}
    for split, count in IMAGES_PER_CLASS.items():
        images, labels = sources.arrays(name, split)
        kept = np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(10)]))
        sample[f"{split}_images"] = images[kept]
        sample[f"{split}_labels"] = labels[kept].astype(np.uint8)
    return sample


def write(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz as `np.savez_compressed` does, but without the time of writing."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for key, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            entry = zipfile.ZipInfo(f"{key}.npy")  # its time is the first of January 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.getvalue(), compresslevel=9)


if __name__ == "__main__":
    for name in sources.SETS:
        file = settings.files("sample") / f"{name}.npz"
        write(file, cut(name))
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
