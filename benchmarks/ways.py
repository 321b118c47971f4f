"""Two ways to train a network for MNIST's digits, an epoch at a time, for `time_to_accuracy.py`.

- textbook: the network of 7,496 parameters with dropout, images transformed one by one, a `DataLoader`, and a loop
  written out. The document that it follows does not say everything: dropout's probability, the learning rates and
  how the images are changed are chosen here, the latter as cheap as can be.
- course: a recipe, with `Loader` and `fit`.

An epoch begins from the checkpoint of the one before, so a training can stop after each of them.
"""

import contextlib
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from cnncourse.checkpoint import load_checkpoint, save_checkpoint
from cnncourse.data import ImageSet, Loader, torchvision
from cnncourse.experiments.runs import Recipe, one_after_the_other
from cnncourse.models import DigitNet
from cnncourse.train import fit

BATCH_SIZE = 128


class PilImages(Dataset):
    """Images as torchvision's MNIST gives them: each is made a PIL image and transformed when it is asked for."""

    def __init__(self, images: ImageSet, augment: bool):
        transforms = torchvision.transforms
        steps = [transforms.ToTensor(), transforms.Normalize(images.mean, images.std)]
        if augment:
            steps = [transforms.RandomRotation(7), *steps]
        self.images, self.labels, self.transform = images.images, images.labels, transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(self.images[index, 0].numpy())), int(self.labels[index])


def textbook_parts(steps: int):
    torch.manual_seed(0)
    model = DigitNet(dropout=0.05)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return model, optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)


def textbook_step(model, optimizer, images, labels) -> tuple[float, int]:
    optimizer.zero_grad()
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    optimizer.step()
    return loss.item(), (logits.argmax(dim=1) == labels).sum().item()


def textbook_epoch(train: Dataset, valid: Dataset, epochs: int, workers: int, epoch: int, checkpoint: Path) -> list:
    """Train epoch number `epoch`, from the checkpoint of the one before; return the whole history."""
    loader = DataLoader(train, BATCH_SIZE, shuffle=True, num_workers=workers)
    model, optimizer, scheduler = textbook_parts(epochs * len(loader))
    history = load_checkpoint(checkpoint, model, optimizer, scheduler) if epoch > 1 else []

    start = time.perf_counter()
    model.train()
    for images, labels in loader:
        textbook_step(model, optimizer, images, labels)
        scheduler.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in DataLoader(valid, 1000, num_workers=workers):
            correct += (model(images).argmax(dim=1) == labels).sum().item()
    seconds = time.perf_counter() - start

    history.append({"epoch": epoch, "valid_accuracy": correct / len(valid), "seconds": seconds})
    save_checkpoint(checkpoint, model, optimizer, scheduler, history)
    return history


def course_loader(recipe: Recipe, images: ImageSet) -> Loader:
    return Loader(images, recipe.batch_size, shuffle=True, augment=one_after_the_other(recipe.augment))


def course_parts(recipe: Recipe, steps: int):
    torch.manual_seed(0)
    model = recipe.model()
    optimizer = recipe.optimizer(model.parameters())
    return model, optimizer, recipe.scheduler and recipe.scheduler(optimizer, steps)


def course_epoch(recipe: Recipe, train: ImageSet, valid: ImageSet, epoch: int, checkpoint: Path) -> list:
    """Train epoch number `epoch`, from the checkpoint of the one before; return the whole history."""
    loader = course_loader(recipe, train)
    model, optimizer, scheduler = course_parts(recipe, recipe.epochs * len(loader))
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
        history = fit(
            model,
            iter(loader),  # one epoch: the next call makes it anew
            Loader(valid, 1000),
            optimizer=optimizer,
            epochs=epoch,
            scheduler=scheduler,
            loss_function=recipe.loss_function,
            checkpoint=checkpoint,
        )
    if len(history) < epoch:  # fit keeps Ctrl-C to itself
        raise KeyboardInterrupt
    return history
