"""Choose how `digitnet-hand` is trained, on validation images alone; keep trials in results/handwriting/trials.json.

    python tools/choose_hand.py                 the trials that the file lacks
    python tools/choose_hand.py none            some of them

Every trial trains on five sixths of MNIST's training split and on written digits of all styles but `HELD_OUT`. It is
measured on the last sixth of MNIST and on digits written in the styles held out: these stand for the styles that nobody
has thought of. Of drawings that are no digits, it is measured how many are read with more than 90 % confidence.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnncourse._files import locked, write_whole
from cnncourse._model import count_parameters
from cnncourse.data import Loader, load
from cnncourse.experiments import RECIPES
from cnncourse.handwriting import STYLES, Hand, scribbled, written
from cnncourse.models import DigitNet
from cnncourse.train import evaluate, fit, predict

FILE = Path(__file__).resolve().parent.parent / "results" / "handwriting" / "trials.json"
HELD_OUT = (
    "0 slashed in one",
    "0 barred",
    "1 upstroke",
    "1 flag and foot in one",
    "2 swan",
    "3 flat-topped",
    "4 short stem",
    "5 loose hat",
    "6 upright",
    "7 wavy and crossed",
    "8 straight back",
    "9 hooked",
)
BEST = RECIPES["digitnet-best"]
LARGE = partial(DigitNet, (16, 32, 48, 64, 64, 96, 64), separable=True)


TRIALS: dict[str, dict[str, Any]] = {
    "none": {"number": 0},
    "half, some scribbles": {"number": 25_000, "scribbles": 3_000},
    "half, some scribbles, wide": {"number": 25_000, "scribbles": 3_000, "factor": 1.5},
    "half, some scribbles, narrow": {"number": 25_000, "scribbles": 3_000, "factor": 0.7},
    "half, some scribbles, 24 epochs": {"number": 25_000, "scribbles": 3_000, "epochs": 24},
    "as many, scribbles": {"number": 50_000, "scribbles": 5_000},
    "large, half, some scribbles": {"number": 25_000, "scribbles": 3_000, "model": LARGE},
}


def trial(
    *,
    number: int,
    factor: float = 1,
    scribbles: int = 0,
    epochs: int = 8,
    model: Callable[[], nn.Module] = BEST.model,
) -> dict[str, float]:
    """Train and measure once; accuracies are shares."""
    known, held_out = ([style for style in STYLES if (str(style) in HELD_OUT) == out] for out in (False, True))
    extra = [partial(written, number, known, hand=Hand().times(factor))] if number else []
    extra += [partial(scribbled, scribbles)] if scribbles else []
    recipe = replace(BEST, model=model, epochs=epochs, extra=tuple(extra))
    train, valid = load("MNIST", "train").split(1 / 6, seed=0)
    train, unseen = recipe.with_extra(train), written(12_000, held_out, seed=1)
    torch.manual_seed(0)
    network = model()
    loader = Loader(train, recipe.batch_size, shuffle=True, augment=recipe.augment)
    optimizer = recipe.optimizer(network.parameters())
    scheduler = recipe.scheduler and recipe.scheduler(optimizer, epochs * len(loader))
    history = fit(network, loader, Loader(valid, 1000), optimizer=optimizer, epochs=epochs, scheduler=scheduler)
    confidence = predict(network, Loader(scribbled(3000, seed=1), 1000)).amax(1)
    return {
        "parameters": count_parameters(network),
        "mnist": evaluate(network, Loader(valid, 1000)).accuracy,
        "unseen styles": evaluate(network, Loader(unseen, 1000)).accuracy,
        "scribbles above 0.9": (confidence > 0.9).float().mean().item(),
        "seconds": sum(history.column("seconds")),
    }


def kept() -> dict[str, Any]:
    """Return the trials that the file has."""
    trials: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return trials


def main(names: list[str]) -> None:
    """Run the trials that are named, or all, and lack."""
    torch.set_num_threads(1)
    for name in names or list(TRIALS):
        if name in kept():
            continue
        found = trial(**TRIALS[name])
        print(name, found, flush=True)
        with locked(FILE.parent / ".runs" / "trials.lock"):  # another process may add to it
            write_whole(FILE, json.dumps(kept() | {name: found}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
