# ruff: noqa: F821
import random

import numpy as np

right(
    "5.1",
    lambda history: 100 * (history.column("train_accuracy")[-1] - history.column("valid_accuracy")[-1]),
    lambda history: [100 * row["train_accuracy"] - 100 * row["valid_accuracy"] for row in history].pop(),
    lambda history: torch.tensor(
        100 * history[len(history) - 1]["train_accuracy"] - 100 * history[-1]["valid_accuracy"]
    ),
    lambda history: np.float32((history[-1]["train_accuracy"] - history[-1]["valid_accuracy"]) / 0.01),
    lambda history: ((1 - history[-1]["valid_accuracy"]) - (1 - history[-1]["train_accuracy"])) * 100,
    lambda history: (lambda last: 100 * last["train_accuracy"] - 100 * last["valid_accuracy"])(
        max(history, key=lambda row: row["epoch"])
    ),
)


def percent(one="train_accuracy", other="valid_accuracy", row=-1, times=100):
    return lambda history: times * (history[row][one] - history[row][other])


def clears(history):
    last = history.pop()
    return 100 * (last["train_accuracy"] - last["valid_accuracy"])


wrong(
    "5.1",
    ("multiply by 100", percent(times=1)),
    ("not the other way", percent("valid_accuracy", "train_accuracy")),
    ("those of the first", percent(row=0)),
    ("gap of the losses", percent("train_loss", "valid_loss")),
    ("gap of the losses", percent("train_loss", "valid_loss", times=1)),
    (
        "the highest of all",
        lambda history: 100 * (max(history.column("train_accuracy")) - max(history.column("valid_accuracy"))),
    ),
    (
        "In the last epoch here",
        lambda history: 100 * (np.mean(history.column("train_accuracy")) - np.mean(history.column("valid_accuracy"))),
    ),
    (
        "In the last epoch here|those of the first",
        lambda history: 100 * max(row["train_accuracy"] - row["valid_accuracy"] for row in history),
    ),
    ("In the last epoch here", percent("train_loss", "valid_accuracy")),
    ("In the last epoch here", percent(times=1000)),
    (
        "In the last epoch here|first",
        lambda history: 100 * abs(history[-1]["train_accuracy"] - history[-1]["valid_accuracy"]) + 1e-3,
    ),
    (
        "In the last epoch here|other way",
        lambda history: 100 * abs(history[-1]["train_accuracy"] - history[-1]["valid_accuracy"]),
    ),
    ("In the last epoch here|first", lambda history: 5.0),
    ("stopped with KeyError: 'accuracy'", lambda history: history[-1]["accuracy"]),
    ("stopped with IndexError", lambda history: percent(row=2)(history)),
    ("changes the History", clears),
    ("one number, not a list", lambda history: history.column("train_accuracy")),
)


def quarters(images):
    return torch.stack([images[..., row::2, column::2] for row in (0, 1) for column in (0, 1)])


def pooled(images, pool):
    return quarters(images).amax(0) if pool is F.max_pool2d else quarters(images).mean(0)


right(
    "5.2",
    (lambda images, pool: pool(F.relu(images), 2), lambda images, pool: F.relu(pool(images, 2))),
    (lambda images, pool: pool(images.clamp(min=0), 2), lambda images, pool: pool(images, 2).clamp(min=0)),
    (
        lambda images, pool: pool(images * (images > 0), kernel_size=2),
        lambda images, pool: torch.relu(pool(images, kernel_size=2)),
    ),
    (lambda images, pool: pooled(images.relu(), pool), lambda images, pool: pooled(images, pool).relu()),
    (lambda images, pool: pool(nn.ReLU()(images), 2, 2), lambda images, pool: nn.ReLU()(pool(images, 2, 2))),
    (lambda images, pool: pool(images.double().relu(), 2), lambda images, pool: np.maximum(pool(images, 2).numpy(), 0)),
)


def first(images, pool):
    return pool(F.relu(images), 2)


def second(images, pool):
    return F.relu(pool(images, 2))


def in_place(images, pool):
    return pool(images.relu_(), 2)


wrong(
    "5.2",
    ("relu_then_pool: ReLU makes 4", (second, first)),
    ("relu_then_pool: ReLU makes 4", (second, second)),
    ("pool_then_relu: the mean", (first, first)),
    ("stopped with TypeError.*missing", (lambda images, pool: pool(F.relu(images)), second)),
    ("relu_then_pool should be|2×2 pixels", (lambda images, pool: F.relu(images), second)),
    ("pool_then_relu: the mean of 4, -8, 0, 0 is -1", (first, lambda images, pool: pool(images, 2))),
    ("relu_then_pool: ReLU makes", (lambda images, pool: F.max_pool2d(F.relu(images), 2), second)),
    ("use the pool that you are given", (lambda images, pool: F.avg_pool2d(F.relu(images), 2), second)),
    (
        "pool_then_relu gives other numbers with max_pool2d",
        (first, lambda images, pool: F.relu(F.avg_pool2d(images, 2))),
    ),
    ("pool_then_relu gives other numbers", (first, lambda images, pool: torch.zeros_like(pool(images, 2)))),
    ("relu_then_pool: ReLU makes", (lambda images, pool: pool(images.abs(), 2), second)),
    ("Not done yet: pool_then_relu returns nothing", (first, lambda images, pool: None)),
    ("relu_then_pool changes the Tensor", (in_place, second)),
    ("should be 2×3×4×3", (lambda images, pool: pool(F.relu(images), 2)[:1], second)),
)


def with_a_mask(images, size):
    number, _, height, width = images.shape
    tops, lefts = torch.randint(height - size + 1, (number, 1)), torch.randint(width - size + 1, (number, 1))
    rows, columns = torch.arange(height), torch.arange(width)
    rows = (rows >= tops) & (rows < tops + size)
    columns = (columns >= lefts) & (columns < lefts + size)
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def python_random(images, size):
    result = images.double().clone()
    for number in range(len(images)):
        top, left = random.randint(0, images.shape[2] - size), random.randrange(images.shape[3] - size + 1)
        result[number, :, top : top + size, left : left + size] = 0
    return result


def of_numpy(images, size):
    result, draw = images.numpy().copy(), np.random.default_rng(0)
    for image in result:
        top, left = draw.integers(image.shape[1] - size, endpoint=True), draw.integers(0, image.shape[2] - size + 1)
        image[..., top : top + size, left : left + size] = 0
    return result


def erase(image, size, rows=None, columns=None, spare=1, height=None, width=None, value=0.0, channels=slice(None)):
    top = int(torch.randint((height or image.shape[1]) - size + spare, ()))
    left = int(torch.randint((width or image.shape[2]) - size + spare, ()))
    image = image.clone()
    image[channels, top : top + (rows or size), left : left + (columns or size)] = value
    return image


def each(**settings):
    return lambda images, size: torch.stack([erase(image, size, **settings) for image in images])


def by_torchvision(images, size):
    from cnncourse.data import torchvision

    height, width = images.shape[2:]
    places = zip(
        torch.randint(height - size + 1, (len(images),)), torch.randint(width - size + 1, (len(images),)), strict=True
    )
    erased = [
        torchvision.v2.functional.erase(image, int(i), int(j), size, size, torch.zeros(1))
        for image, (i, j) in zip(images, places, strict=True)
    ]
    return torch.stack(erased)


right(
    "5.3",
    with_a_mask,
    python_random,
    of_numpy,
    each(),
    by_torchvision,
    lambda images, size: [erase(image, size) for image in images],
)


def same_place(images, size):
    images = images.clone()
    images[:, :, 3 : 3 + size, 4 : 4 + size] = 0
    return images


def in_place(images, size):
    for image in images:
        image[:, :size, :size] = 0
    return images


def diagonal(images, size):
    result = images.clone()
    for image in result:
        place = int(torch.randint(image.shape[1] - size + 1, ()))
        image[:, place : place + size, place : place + size] = 0
    return result


def scattered(images, size):
    result = images.clone()
    for image in result:
        image.flatten(1)[:, torch.randperm(image[0].numel())[: size**2]] = 0
    return result


wrong(
    "5.3",
    ("an image|own random place|own place", same_place),
    ("changes the Tensor", in_place),
    ("upper limit itself", each(spare=0)),
    ("square must lie inside", each(spare=6)),
    ("Nothing is black", each(value=1e-3)),
    ("Nothing is black", lambda images, size: images.clone()),
    ("exactly 8×8", each(rows=9)),
    ("exactly 8×8", each(rows=5, columns=5)),
    ("as high as it is wide", each(rows=4, columns=16, spare=-8)),
    ("on a diagonal", diagonal),
    ("as high as it is wide|one square", scattered),
    ("in all channels", each(channels=slice(1))),
    ("lie inside|exactly|square", each(height=32, width=32)),
    ("Nothing is black", lambda images, size: 1.5 - each()(images, size)),
    ("as it is", lambda images, size: each()(images, size) * 0.5),
    ("should be 600×1×32×32, not a tensor of 1×32×32", lambda images, size: erase(images[0], size)),
    ("lower edge|right edge|upper limit", each(height=28, width=28)),
    ("stopped with RuntimeError|lower|upper|exactly|as high", lambda images, size: each()(images, 8)),
)
