"""The recipes of the course: named, frozen settings."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, StepLR

from cnncourse.augment import random_affine, random_crop, random_flip, random_noise, random_shift
from cnncourse.checkpoint import load_weights
from cnncourse.experiments.results import weights_file
from cnncourse.experiments.runs import Corruption, Recipe
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


def one_cycle(optimizer: Optimizer, steps: int, **options) -> OneCycleLR:
    """A `OneCycleLR` over all steps of a run."""
    return OneCycleLR(optimizer, total_steps=steps, **options)


def by_epoch(optimizer: Optimizer, steps: int, scheduler: Callable[..., LRScheduler], **options) -> LRScheduler:
    """A scheduler that counts epochs, so that it need not know how many steps a run has."""
    return scheduler(optimizer, **options)


LENET5 = {"data": "FashionMNIST", "image_size": 32, "batch_size": 512, "epochs": 25}

MOMENTUM = partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True)
DIGITNET = {"data": "MNIST", "batch_size": 64, "epochs": 15, "optimizer": MOMENTUM}
FALLING = partial(by_epoch, scheduler=LinearLR, start_factor=1, end_factor=0, total_iters=15)
AUGMENTED = DIGITNET | {
    "model": DigitNet,
    "augment": (partial(random_affine, degrees=10, translate=0.07, scale=(0.9, 1.1), shear=5),),
}
SHEARED = partial(random_affine, degrees=10, translate=0.03, scale=(0.9, 1.1), shear=10)

CORRUPTED = (partial(random_crop, padding=4), partial(random_noise, strength=(0, 0.5)))
SEMINAR = {
    "data": "MNIST",
    "batch_size": 128,
    "epochs": 12,
    "optimizer": partial(torch.optim.Adam, lr=0.003),
    "scheduler": partial(one_cycle, max_lr=0.003),
    "corruptions": (
        *(Corruption("noise", n / 10, (partial(random_noise, strength=n / 10),)) for n in range(1, 9)),
        *(Corruption("shift", n, (partial(random_shift, pixels=n),)) for n in range(1, 9)),
        *(Corruption("crop", n, (partial(random_crop, padding=n),)) for n in range(1, 9)),
        Corruption("as trained", 1, CORRUPTED),
    ),
}
CIFARNET = {
    "data": "CIFAR10",
    "batch_size": 128,
    "epochs": 20,
    "optimizer": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "scheduler": partial(one_cycle, max_lr=0.1),
    "augment": (random_flip, partial(random_crop, padding=2)),
}

RECIPES = {
    "convnet-mnist": Recipe(
        data="MNIST", model=ConvNet, batch_size=64, epochs=7, optimizer=partial(torch.optim.SGD, lr=0.01)
    ),
    "lenet5-tanh-avg": Recipe(**LENET5, model=LeNet5, optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9)),
    "lenet5-relu-max": Recipe(
        **LENET5,
        model=partial(LeNet5, pool=nn.MaxPool2d, activation=nn.ReLU),
        optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9),
    ),
    "lenet5-best": Recipe(
        **LENET5 | {"batch_size": 256, "epochs": 60},
        model=partial(LeNet5, pool=nn.MaxPool2d, activation=nn.ReLU),
        optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        scheduler=partial(one_cycle, max_lr=0.1),
        augment=(random_flip, partial(random_crop, padding=1)),
    ),
    "lenet5-mnist": Recipe(
        **DIGITNET | {"optimizer": partial(torch.optim.SGD, lr=0.05, momentum=0.9, nesterov=True)},
        image_size=32,
        model=partial(LeNet5, pool=nn.MaxPool2d, activation=nn.ReLU),
        scheduler=partial(one_cycle, max_lr=0.05),
        augment=(SHEARED,),
        valid_fraction=1 / 60,
    ),
    "digitnet-nonorm": Recipe(
        **DIGITNET | {"optimizer": partial(torch.optim.SGD, lr=0.02, momentum=0.9, nesterov=True)},
        model=partial(DigitNet, DigitNet.SKELETON, norm=nn.Identity),
        scheduler=FALLING,
    ),
    "digitnet-skeleton": Recipe(**DIGITNET, model=partial(DigitNet, DigitNet.SKELETON), scheduler=FALLING),
    "digitnet-wider": Recipe(**DIGITNET, model=DigitNet, scheduler=FALLING),
    "digitnet-regularised": Recipe(**DIGITNET, model=partial(DigitNet, dropout=0.05), scheduler=FALLING),
    "digitnet-augmented": Recipe(**AUGMENTED, scheduler=FALLING),
    "digitnet-constant": Recipe(**AUGMENTED),
    "digitnet-plateau": Recipe(
        **AUGMENTED, scheduler=partial(by_epoch, scheduler=ReduceLROnPlateau, factor=0.1, patience=2)
    ),
    "digitnet-step": Recipe(**AUGMENTED, scheduler=partial(by_epoch, scheduler=StepLR, step_size=6, gamma=0.1)),
    "digitnet-onecycle": Recipe(**AUGMENTED, scheduler=partial(one_cycle, max_lr=0.1)),
    "digitnet-best": Recipe(
        **DIGITNET,
        model=partial(DigitNet, DigitNet.BEST, separable=True),
        scheduler=partial(one_cycle, max_lr=0.1),
        augment=(SHEARED,),
        valid_fraction=1 / 60,
    ),
    "seminar-cnn": Recipe(**SEMINAR, model=SeminarCNN),
    "seminar-cnn-corrupted": Recipe(**SEMINAR, model=SeminarCNN, augment=CORRUPTED),
    "seminar-mlp": Recipe(**SEMINAR, model=SeminarMLP),
    "seminar-mlp-corrupted": Recipe(**SEMINAR, model=SeminarMLP, augment=CORRUPTED),
    "cifarnet-batchnorm": Recipe(**CIFARNET, model=partial(CifarNet, dropout=0)),
    "cifarnet-groupnorm": Recipe(**CIFARNET, model=partial(CifarNet, norm=group_norm, dropout=0)),
    "cifarnet-layernorm": Recipe(**CIFARNET, model=partial(CifarNet, norm=layer_norm, dropout=0)),
    "cifarnet-best": Recipe(
        **CIFARNET
        | {
            "epochs": 40,
            "optimizer": partial(torch.optim.SGD, lr=0.2, momentum=0.9, nesterov=True, weight_decay=2e-4),
            "scheduler": partial(one_cycle, max_lr=0.2),
        },
        model=ResidualCifarNet,
        valid_fraction=1 / 50,
    ),
}


def trained(name: str, folder: Path | None = None) -> nn.Module:
    """Load a recipe's network with the weights of its run with seed 0, in evaluation mode on the CPU.

    How its images were prepared is in its attribute `preprocessing`.

    Args:
        name: of the recipe.
        folder: of the result files; the course's own unless told otherwise.

    Raises:
        KeyError: there is no such recipe.
        FileNotFoundError: its weights are not kept; names the recipes whose weights are.
    """
    model = load_weights(weights_file(name, folder), RECIPES[name].model())
    model.preprocessing = RECIPES[name].preprocessing
    return model.eval()
