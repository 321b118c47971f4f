"""What the benchmarks share: ways that take turns, ratios of their times, images one by one, and the result file."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from cnncourse import settings
from cnncourse._files import write_whole
from cnncourse.data import ImageSet, load, torchvision
from cnncourse.experiments import environment

Batches = Iterable[tuple[Tensor, Tensor]]
Way = Callable[[nn.Module, Batches], Callable[[], object]]  # prepares a training, and returns what is timed


class Case(NamedTuple):
    """What is trained: a network, and so many steps of batches of the first images of a training split."""

    model: Callable[[], nn.Module]
    data: str
    size: int
    batch_size: int
    steps: int
    augment: Callable[[Tensor], Tensor] | None = None

    def images(self) -> ImageSet:
        return load(self.data, "train").subset(slice(self.steps * self.batch_size))


class PilImages(Dataset):
    """Images as torchvision's MNIST gives them: each is made a PIL image and transformed when it is asked for."""

    def __init__(self, images: ImageSet, *transforms: Callable[[Image.Image], Image.Image]):
        normalise = torchvision.transforms.Normalize(images.mean, images.std)
        self.transform = torchvision.transforms.Compose([*transforms, torchvision.transforms.ToTensor(), normalise])
        self.images, self.labels = images.images, images.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index, 0].numpy())), int(self.labels[index])


def take_turns(
    model: Callable[[], nn.Module], ways: dict[str, tuple[Way, Batches]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, nn.Module]]:
    """Train a new model by each way, round after round, so that a machine that slows down slows all of them.

    Args:
        model: makes one; all have the same weights.
        ways: for each name the way, and the batches of its epoch.
        rounds: how often each way is timed. One more comes first, since the first steps of a process are slower.

    Returns:
        The seconds of each way in each round, and the model that it trained.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    models = {}
    for _ in range(1 + rounds):
        for name, (way, batches) in ways.items():
            torch.manual_seed(0)
            models[name] = model()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                train = way(models[name], batches)
                start = time.perf_counter()
                train()
                seconds[name].append(time.perf_counter() - start)
        print("; ".join(f"{name} {times[-1]:.2f} s" for name, times in seconds.items()), flush=True)
    return {name: times[1:] for name, times in seconds.items()}, models


def ratio(above: list[float], below: list[float]) -> dict[str, float]:
    """How many times as long as another a way took: the median over the rounds, and the least and the most."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return {"median": median(ratios), "least": min(ratios), "most": max(ratios)}


def write(name: str, result: dict) -> None:
    """Write `results/benchmarks/NAME.json`, with where it was measured; with CNNCOURSE_QUICK only print it."""
    result = {"environment": environment(), "threads": torch.get_num_threads(), **result}
    text = json.dumps(result, indent=1)
    print(text)
    if not settings.quick():  # the bundled sample's results do not belong among the course's own
        write_whole(settings.files("benchmarks") / f"{name}.json", text + "\n")
