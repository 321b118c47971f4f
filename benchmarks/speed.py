"""How near the course's training comes to what the network alone takes, as ratios that are measured in one run.

For LeNet-5 (Fashion-MNIST at 32×32, batches of 512), the first ConvNet (MNIST, batches of 64) and CifarNet (CIFAR-10,
batches of 128) it times the same number of training steps in three ways:

- floor: forward, backward and step on one batch that is already there;
- course: `fit` over a `Loader`;
- augmented: the same with a random affine map of each image, or for CifarNet a random flip and crop.

The ways take turns, round after round, and a ratio is the median over the rounds. It also measures what
`import cnncourse` adds to `import torch`, and how much memory a training on MNIST takes. It writes
`results/benchmarks/speed.json`.
"""

import argparse
import math
import subprocess
import sys
from functools import partial
from statistics import median

from benchmarks.frameworks import by_fit, by_loop
from benchmarks.timing import Case, ratio, take_turns, write
from cnncourse._memory import keep_memory
from cnncourse.augment import random_affine, random_crop, random_flip
from cnncourse.data import Loader
from cnncourse.experiments import one_after_the_other
from cnncourse.models import CifarNet, ConvNet, LeNet5

AFFINE = partial(random_affine, degrees=10, translate=0.1, scale=(0.9, 1.1), shear=5)
FLIP_AND_CROP = one_after_the_other((random_flip, partial(random_crop, padding=2)))
CASES = {
    "LeNet5": Case(LeNet5, "FashionMNIST", size=32, batch_size=512, steps=60, augment=AFFINE),
    "ConvNet": Case(ConvNet, "MNIST", size=28, batch_size=64, steps=60, augment=AFFINE),
    "CifarNet": Case(CifarNet, "CIFAR10", size=32, batch_size=128, steps=15, augment=FLIP_AND_CROP),
}
LIGHT_MODULES = "cnncourse.data, cnncourse.train, cnncourse.models, cnncourse.augment, cnncourse.experiments"


def measure(case: Case, rounds: int) -> dict[str, dict[str, float]]:
    """How many times as long as the floor the course takes, without and with augmentation."""
    images = case.images().resize(case.size)
    loader = Loader(images, case.batch_size, shuffle=True)
    ways = {
        "floor": (by_loop, [next(iter(loader))] * len(loader)),
        "course": (by_fit, loader),
        "augmented": (by_fit, Loader(images, case.batch_size, shuffle=True, augment=case.augment)),
    }
    seconds, _ = take_turns(case.model, ways, rounds)
    return {name: ratio(seconds[name], seconds["floor"]) for name in ("course", "augmented")}


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
    """Peak memory of an epoch of ConvNet on MNIST, above that of `import torch`; NaN where Linux does not say it."""
    if sys.platform != "linux":
        return math.nan
    # Not getrusage, which counts what the process had before it became this program.
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
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    keep_memory()  # `fit` asks for it; so it helps the floor from the first step on
    networks = {name: measure(case, rounds) for name, case in CASES.items()}
    write("speed", {"networks": networks, "import_seconds": import_seconds(rounds), "fit_megabytes": fit_megabytes()})


if __name__ == "__main__":
    main()
