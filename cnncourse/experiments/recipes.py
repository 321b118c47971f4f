"""The recipes of the course: named, frozen settings."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, StepLR

from cnncourse._model import carry
from cnncourse.augment import random_affine, random_crop, random_flip, random_noise, random_shift, random_turn, thicken
from cnncourse.checkpoint import load_weights
from cnncourse.experiments.results import load_results, weights_file
from cnncourse.experiments.runs import Corruption, Recipe
from cnncourse.handwriting import Hand, scribbled, written
from cnncourse.models import (
    CifarNet,
    ConvNet,
    DigitNet,
    LeNet5,
    ResidualCifarNet,
    SeminarCNN,
    SeminarMLP,
    group_norm,
    layer_norm,
)


def one_cycle(optimizer: Optimizer, steps: int, **options: Any) -> OneCycleLR:
    """Make a `OneCycleLR` over all steps of a run."""
    return OneCycleLR(optimizer, total_steps=steps, **options)


def by_epoch(optimizer: Optimizer, steps: int, scheduler: Callable[..., LRScheduler], **options: Any) -> LRScheduler:
    """Make a scheduler that counts epochs, so that it need not know how many steps a run has."""
    return scheduler(optimizer, **options)


LENET5 = Recipe(
    data="FashionMNIST",
    image_size=32,
    model=LeNet5,
    batch_size=512,
    epochs=25,
    optimizer=partial(SGD, lr=0.05, momentum=0.9),
)
LENET5_RELU_MAX = replace(LENET5, model=partial(LeNet5, pool=nn.MaxPool2d, activation=nn.ReLU))

DIGITNET = Recipe(
    data="MNIST",
    model=DigitNet,
    batch_size=64,
    epochs=15,
    optimizer=partial(SGD, lr=0.1, momentum=0.9, nesterov=True),
    scheduler=partial(by_epoch, scheduler=LinearLR, start_factor=1, end_factor=0, total_iters=15),
)
SKELETON = replace(DIGITNET, model=partial(DigitNet, DigitNet.SKELETON))
SLOW = replace(SKELETON, optimizer=partial(SGD, lr=0.02, momentum=0.9, nesterov=True))  # learns without a norm too
AUGMENTED = replace(DIGITNET, augment=(partial(random_affine, degrees=10, translate=0.07, scale=(0.9, 1.1), shear=5),))
ONE_CYCLE = replace(AUGMENTED, scheduler=partial(one_cycle, max_lr=0.1))
BEST = replace(
    ONE_CYCLE,
    model=partial(DigitNet, DigitNet.BEST, separable=True),
    augment=(partial(random_affine, degrees=10, translate=0.03, scale=(0.9, 1.1), shear=10),),
    valid_fraction=1 / 60,
)

HAND = replace(  # chosen by tools/choose_hand.py
    BEST,
    epochs=24,
    valid_fraction=1 / 12,
    extra=(partial(written, 25_000, hand=Hand().times(1.5)), partial(scribbled, 3_000)),
)

CORRUPTED = (partial(random_crop, padding=4), partial(random_noise, strength=(0, 0.5)))
SEMINAR = Recipe(
    data="MNIST",
    model=SeminarCNN,
    batch_size=128,
    epochs=12,
    optimizer=partial(torch.optim.Adam, lr=0.003),
    scheduler=partial(one_cycle, max_lr=0.003),
    corruptions=(
        *(Corruption("noise", n / 10, (partial(random_noise, strength=n / 10),)) for n in range(1, 9)),
        *(Corruption("shift", n, (partial(random_shift, pixels=n),)) for n in range(1, 9)),
        *(Corruption("crop", n, (partial(random_crop, padding=n),)) for n in range(1, 9)),
        Corruption("as trained", 1, CORRUPTED),
    ),
)
CIFARNET = Recipe(
    data="CIFAR10",
    model=partial(CifarNet, dropout=0),
    batch_size=128,
    epochs=20,
    optimizer=partial(SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
    scheduler=partial(one_cycle, max_lr=0.1),
    augment=(random_flip, partial(random_crop, padding=2)),
)

RECIPES = {
    "convnet-mnist": Recipe(data="MNIST", model=ConvNet, batch_size=64, epochs=7, optimizer=partial(SGD, lr=0.01)),
    "lenet5-tanh-avg": LENET5,
    "lenet5-relu-max": LENET5_RELU_MAX,
    "lenet5-best": replace(
        LENET5_RELU_MAX,
        batch_size=256,
        epochs=60,
        optimizer=partial(SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        scheduler=partial(one_cycle, max_lr=0.1),
        augment=(random_flip, partial(random_crop, padding=1)),
    ),
    "lenet5-mnist": replace(
        BEST,
        image_size=32,
        model=LENET5_RELU_MAX.model,
        optimizer=partial(SGD, lr=0.05, momentum=0.9, nesterov=True),
        scheduler=partial(one_cycle, max_lr=0.05),
    ),
    "digitnet-nonorm": replace(SLOW, model=partial(DigitNet, DigitNet.SKELETON, norm=nn.Identity)),
    "digitnet-he": replace(
        SLOW, model=partial(DigitNet, DigitNet.SKELETON, norm=nn.Identity, initialise=nn.init.kaiming_normal_)
    ),
    "digitnet-skeleton-slow": SLOW,
    "digitnet-skeleton": SKELETON,
    "digitnet-skeleton-augmented": replace(AUGMENTED, model=SKELETON.model),
    "digitnet-wider": DIGITNET,
    "digitnet-regularised": replace(DIGITNET, model=partial(DigitNet, dropout=0.05)),
    "digitnet-augmented": AUGMENTED,
    "digitnet-augmented-regularised": replace(AUGMENTED, model=partial(DigitNet, dropout=0.05)),
    "digitnet-constant": replace(AUGMENTED, scheduler=None),
    "digitnet-plateau": replace(
        AUGMENTED, scheduler=partial(by_epoch, scheduler=ReduceLROnPlateau, factor=0.1, patience=2)
    ),
    "digitnet-step": replace(AUGMENTED, scheduler=partial(by_epoch, scheduler=StepLR, step_size=6, gamma=0.1)),
    "digitnet-onecycle": ONE_CYCLE,
    "digitnet-separable": replace(ONE_CYCLE, model=BEST.model),
    "digitnet-best": BEST,
    "digitnet-pad": replace(  # the same again, measured on what differs when one draws
        BEST,
        corruptions=(
            *(Corruption("turn", n, (partial(random_turn, degrees=n),)) for n in range(10, 51, 10)),
            *(Corruption("shift", n, (partial(random_shift, pixels=n),)) for n in range(1, 7)),
            *(Corruption("thick", n, (partial(thicken, pixels=n),)) for n in (1, 2, 3)),
            Corruption("thin", 1, (partial(thicken, pixels=-1),)),
        ),
    ),
    "digitnet-hand": HAND,
    "digitnet-hand-large": replace(HAND, model=partial(DigitNet, (12, 24, 32, 48, 48, 48, 48)), epochs=16),
    "seminar-cnn": SEMINAR,
    "seminar-cnn-corrupted": replace(SEMINAR, augment=CORRUPTED),
    "seminar-mlp": replace(SEMINAR, model=SeminarMLP),
    "seminar-mlp-corrupted": replace(SEMINAR, model=SeminarMLP, augment=CORRUPTED),
    "cifarnet-batchnorm": CIFARNET,
    "cifarnet-groupnorm": replace(CIFARNET, model=partial(CifarNet, norm=group_norm, dropout=0)),
    "cifarnet-layernorm": replace(CIFARNET, model=partial(CifarNet, norm=layer_norm, dropout=0)),
    "cifarnet-best": replace(
        CIFARNET,
        model=ResidualCifarNet,
        epochs=40,
        optimizer=partial(SGD, lr=0.2, momentum=0.9, nesterov=True, weight_decay=2e-4),
        scheduler=partial(one_cycle, max_lr=0.2),
        valid_fraction=1 / 50,
    ),
}


def trained(name: str, folder: Path | None = None, *, recipe: Recipe | None = None) -> nn.Module:
    """Load a recipe's network with the weights of its run with seed 0, in evaluation mode on the CPU.

    How its images were prepared is in its attribute `preprocessing`; in `temperature` and `sure`, how far its
    probabilities can be believed, as the page and the drawing pad show them (see `run`).

    Args:
        name: of the recipe.
        folder: of the result files, as in `load_results`.
        recipe: your own, where it is none of the course's.

    Raises:
        ValueError: there is no such recipe; names those of the course.
        FileNotFoundError: its weights are not kept; names the recipes whose weights are.
    """
    recipe = recipe or RECIPES.get(name)
    if recipe is None:
        raise ValueError(f"there is no recipe {name!r}. There are {', '.join(RECIPES)}; or give your own, recipe=…")
    model = load_weights(weights_file(name, folder), recipe.model())
    carry(model, recipe.preprocessing, **_confidence(name, folder))
    return model.eval()


def _confidence(name: str, folder: Path | None) -> dict[str, float]:
    """The temperature and the probability from which the network of seed 0 is sure; runs of before had neither."""
    with contextlib.suppress(FileNotFoundError):  # weights alone
        for run in load_results(name, folder)["runs"]:
            if run["seed"] == 0:
                return {key: run[key] for key in ("temperature", "sure") if key in run}
    return {}
