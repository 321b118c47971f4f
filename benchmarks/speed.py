"""How fast the course trains, as ratios that are measured in one run: `make benchmark`.

For LeNet-5 (Fashion-MNIST at 32×32, batches of 512), the first ConvNet (MNIST, batches of 64) and CifarNet (CIFAR-10,
batches of 128) it times the same number of training steps in three ways:

- textbook, for the first two: torchvision's data set, its transforms an image at a time, a `DataLoader` with 0 and with
  2 workers, and a loop written out;
- course: `Loader` and `fit`, without augmentation and with one: a random affine map of each image, or for CifarNet a
  random flip and crop;
- floor: forward, backward and step on one batch that is already there.

The ways take turns, round after round, and a ratio is the median over the rounds, so that a machine that slows down for
a while slows all of them. It also measures what `import cnncourse` adds to `import torch`, and how much memory a
training on MNIST takes. Run it with nothing else running. It writes `results/benchmarks/speed.json`.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset

from cnncourse import settings
from cnncourse.augment import random_affine, random_crop, random_flip
from cnncourse.data import STATISTICS, ImageSet, Loader, load, torchvision
from cnncourse.experiments.runs import environment, one_after_the_other
from cnncourse.models import CifarNet, ConvNet, LeNet5
from cnncourse.train import fit

AFFINE = partial(random_affine, degrees=10, translate=0.1, scale=(0.9, 1.1), shear=5)
FLIP_AND_CROP = one_after_the_other((random_flip, partial(random_crop, padding=2)))
CASES = {
    "LeNet5": {
        "data": "FashionMNIST",
        "model": LeNet5,
        "batch_size": 512,
        "size": 32,
        "augment": AFFINE,
        "steps": 40,
        "textbook": True,
    },
    "ConvNet": {
        "data": "MNIST",
        "model": ConvNet,
        "batch_size": 64,
        "size": 28,
        "augment": AFFINE,
        "steps": 320,
        "textbook": True,
    },
    "CifarNet": {
        "data": "CIFAR10",
        "model": CifarNet,
        "batch_size": 128,
        "size": 32,
        "augment": FLIP_AND_CROP,
        "steps": 40,
        "textbook": False,
    },
}
LIGHT_MODULES = "cnncourse.data, cnncourse.train, cnncourse.models, cnncourse.augment, cnncourse.experiments.recipes"


def textbook_set(images: ImageSet, size: int, folder: Path) -> torchvision.datasets.MNIST:
    """The images as torchvision's own class reads them from IDX files, with the transforms of the document."""
    raw = folder / images.name / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):  # the class wants both parts to be there
        for kind, array in (("images-idx3", images.images[:, 0]), ("labels-idx1", images.labels.to(torch.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (raw / f"{part}-{kind}-ubyte").write_bytes(head + array.numpy().tobytes())
    transforms = torchvision.transforms
    steps = [transforms.Resize(size)] if size != 28 else []
    steps += [transforms.ToTensor(), transforms.Normalize(*STATISTICS[images.name])]
    return getattr(torchvision.datasets, images.name)(str(folder), transform=transforms.Compose(steps))


def train_textbook(model: nn.Module, loader: DataLoader) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()


def train_course(model: nn.Module, loader: Loader) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with contextlib.redirect_stdout(io.StringIO()):
        fit(model, loader, optimizer=optimizer, epochs=1)


def seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measure(case: dict, rounds: int) -> dict:
    """Seconds of each way in each round, and the ratios that the course promises."""
    model, batch_size, steps = case["model"](), case["batch_size"], case["steps"]
    full = load(case["data"], "train")
    images = full.resize(case["size"]).subset(slice(steps * batch_size))
    batch = next(iter(Loader(images, batch_size)))
    augmented = Loader(images, batch_size, shuffle=True, augment=case["augment"])
    ways = {
        "floor": partial(train_textbook, model, [batch] * steps),
        "course": partial(train_course, model, Loader(images, batch_size, shuffle=True)),
        "course, augmented": partial(train_course, model, augmented),
    }
    with tempfile.TemporaryDirectory() as folder:
        if case["textbook"]:
            textbook = Subset(textbook_set(full, case["size"], Path(folder)), range(steps * batch_size))
            for workers in (0, 2):
                loader = DataLoader(textbook, batch_size, shuffle=True, num_workers=workers)
                ways[f"textbook, {workers} workers"] = partial(train_textbook, model, loader)
        ways["floor"]()  # the first steps of a process are slower
        times = [{name: seconds(way) for name, way in ways.items()} for _ in range(rounds)]
    ratios = {
        f"{above} / {below}": median(row[above] / row[below] for row in times)
        for above, below in (
            ("course", "floor"),
            ("course, augmented", "floor"),
            ("textbook, 0 workers", "course"),
            ("textbook, 2 workers", "course"),
        )
        if above in ways
    }
    return {"steps": steps, "batch_size": batch_size, "seconds": times, "ratios": ratios}


def in_new_process(code: str) -> float:
    """Run code in a fresh interpreter and return the number that it prints last."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def import_seconds(rounds: int) -> float:
    """What the course's light modules add to the time of `import torch`: the median over rounds."""
    code = (
        "import time, torch; start = time.perf_counter(); "
        f"import cnncourse, {LIGHT_MODULES}; print(time.perf_counter() - start)"
    )
    return median(in_new_process(code) for _ in range(rounds))


def fit_megabytes() -> float:
    """Peak memory of an epoch of ConvNet on MNIST, above that of `import torch`."""
    # Linux alone: getrusage there counts what the process had before it became this program.
    peak = "import re; print(int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]) / 1024)"
    train = """
import torch
from cnncourse.data import Loader, load
from cnncourse.models import ConvNet
from cnncourse.train import fit
train, valid = load("MNIST", "train").split(0.2, seed=0)
model = ConvNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
fit(model, Loader(train, 64, shuffle=True), Loader(valid, 1000), optimizer=optimizer, epochs=1)
"""
    return in_new_process(train + peak) - in_new_process("import torch\n" + peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    result = {"environment": environment(), "threads": torch.get_num_threads(), "cases": {}}
    for name, case in CASES.items():
        result["cases"][name] = measure(case, rounds)
        for ratio, value in result["cases"][name]["ratios"].items():
            print(f"{name}: {ratio} = {value:.2f}")
    result["import_seconds"] = import_seconds(rounds)
    print(f"import: {result['import_seconds']:.2f} s more than import torch")
    result["fit_megabytes"] = fit_megabytes()
    print(f"fit on MNIST: {result['fit_megabytes']:.0f} MB more than import torch")
    path = settings.files("benchmarks") / "speed.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
