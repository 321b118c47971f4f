# ruff: noqa: F821
import math

import numpy as np


def one_image_after_the_other(images):
    total, squares = 0.0, 0.0
    for image in images:
        pixels = image.double() / 255
        total += float(pixels.sum())
        squares += float((pixels**2).sum())
    mean = total / images.nbytes
    return [mean, math.sqrt(squares / images.nbytes - mean**2)]


def with_numpy(images):
    pixels = np.asarray(images, dtype=np.float64) / 255
    mean = pixels.sum() / pixels.size
    return mean, np.sqrt((pixels**2).sum() / pixels.size - mean**2)


def as_tensors(images):
    pixels = images.double() / 255
    mean = pixels.sum() / pixels.numel()
    return torch.stack([mean, ((pixels - mean) ** 2).sum().div(pixels.numel()).sqrt()])


def counting_bytes(images):
    counts = images.flatten().bincount(minlength=256).double()
    levels = torch.arange(256) / 255
    mean = (counts * levels).sum() / counts.sum()
    return mean, ((counts * levels**2).sum() / counts.sum() - mean**2) ** 0.5


right(
    "1.1",
    one_image_after_the_other,
    with_numpy,
    as_tensors,
    counting_bytes,
    lambda images: ((images / 255).mean(), (images / 255).std()),
    lambda images: ((images / 255).mean().item(), np.std(images.numpy() / 255)),
)


def of_pixels(function):
    return lambda images: function(images / 255, (images / 255).mean())


def in_place(images):
    images += 1
    return 0.0, 0.0


wrong(
    "1.1",
    ("two values.*not a float", lambda images: (images / 255).mean().item()),
    ("two values.*not a tuple of 3", lambda images: (1, 2, 3)),
    ("from 0 to 255", lambda images: (images.float().mean(), images.float().std())),
    ("number of pixels", lambda images: ((images / 255).sum() / len(images), 0.3)),
    ("number of pixels", lambda images: (images.sum() / len(images), 0.3)),
    ("mean should be", of_pixels(lambda pixels, mean: (pixels.median(), pixels.std()))),
    ("other order", of_pixels(lambda pixels, mean: (pixels.std(), mean))),
    ("variance", of_pixels(lambda pixels, mean: (mean, pixels.var()))),
    ("square of the mean has to be subtracted", of_pixels(lambda pixels, mean: (mean, (pixels**2).mean().sqrt()))),
    ("Not a number", of_pixels(lambda pixels, mean: (mean, float("nan")))),
    ("wrap around", lambda images: ((images / 255).mean(), ((images**2).float().mean() / 255**2).sqrt())),
    ("mean should be|standard deviation should be", lambda images: (0.2860, 0.3530)),
    ("stopped with ValueError: math domain error", lambda images: (0.5, math.sqrt(-1))),
    ("stopped with AttributeError.*astype", lambda images: images.astype(float)),
    ("changes the Tensor", in_place),
)


def loop_over_pixels(batch, mean, std):
    result = torch.empty(batch.shape, dtype=torch.uint8)
    for number, image in enumerate(batch):
        result[number] = ((image * std + mean) * 255 + 0.5).floor()
    return result


right(
    "1.2",
    loop_over_pixels,
    lambda batch, mean, std: torch.round(255 * (std * batch + mean)).byte(),
    lambda batch, mean, std: ((batch * std + mean) * 255 + 0.5).type(torch.uint8),
    lambda batch, mean, std: np.rint((batch.numpy() * std + mean) * 255).astype(np.uint8),
    lambda batch, mean, std: ((batch + mean / std) * std * 255).round().clamp(0, 255).to(torch.uint8),
    lambda batch, mean, std: batch.double().mul(std).add(mean).mul(255).round().to(torch.uint8),
)


def normalised_in_place(batch, mean, std):
    batch *= std
    return ((batch + mean) * 255).round().to(torch.uint8)


wrong(
    "1.2",
    ("round first", lambda batch, mean, std: ((batch * std + mean) * 255).to(torch.uint8)),
    ("should be bytes, torch.uint8, not torch.float32", lambda batch, mean, std: (batch * std + mean) * 255),
    ("not torch.int64", lambda batch, mean, std: ((batch * std + mean) * 255).round().long()),
    ("scale from 0 to 1", lambda batch, mean, std: batch * std + mean),
    ("scale from 0 to 1", lambda batch, mean, std: (batch * std + mean).round().to(torch.uint8)),
    ("opposite order", lambda batch, mean, std: ((batch + mean) * std * 255).round().clamp(0, 255).to(torch.uint8)),
    ("other pixels", lambda batch, mean, std: ((batch * 0.353 + 0.286) * 255).round().clamp(0, 255).to(torch.uint8)),
    ("2×1×8×16, not a tensor of 2×1×32×32", lambda batch, mean, std: valid.images[: len(batch)]),
    ("64×1×32×32, not a tensor of 64×1024", lambda batch, mean, std: batch.flatten(1)),
    ("stopped with AttributeError", lambda batch, mean, std: batch.astype(np.uint8)),
    ("changes the Tensor", normalised_in_place),
    ("scale from 0 to 1", lambda batch, mean, std: batch.to(torch.uint8) * 0),
)


def sums_by_label(images, labels):
    sums = torch.zeros(10, *images.shape[1:], dtype=torch.float64)
    for image, label in zip(images, labels, strict=True):
        sums[label] += image / 255
    return sums / labels.bincount(minlength=10)[:, None, None, None]


def of_numpy(images, labels):
    pixels, labels = images.numpy() / 255, labels.numpy()
    return np.stack([pixels[labels == c].mean(axis=0) for c in range(10)])


def one_hot(images, labels):
    weights = torch.nn.functional.one_hot(labels, 10).float()
    return (weights.T @ (images / 255).flatten(1)).view(10, *images.shape[1:]) / weights.sum(0)[:, None, None, None]


def added_by_index(images, labels):
    sums = torch.zeros(10, *images.shape[1:]).index_add_(0, labels, images.float())
    return sums / (255 * labels.bincount(minlength=10).view(10, 1, 1, 1))


right(
    "1.3",
    sums_by_label,
    of_numpy,
    one_hot,
    added_by_index,
    lambda images, labels: [(images[labels == c] / 255).mean(dim=0) for c in range(10)],
    lambda images, labels: torch.stack([images[labels == c].double().mean(0) for c in range(10)]) / 255,
)


def means(images, labels):
    return torch.stack([images[labels == c].float().mean(dim=0) for c in range(10)]) / 255


wrong(
    "1.3",
    ("not a byte", lambda images, labels: (means(images, labels) * 255).to(torch.uint8)),
    ("not a byte", lambda images, labels: torch.zeros(10, *images.shape[1:])),
    ("from 0 to 255", lambda images, labels: means(images, labels) * 255),
    ("All ten are the same", lambda images, labels: (images / 255).mean(0).expand(10, -1, -1, -1)),
    ("sums", lambda images, labels: torch.stack([images[labels == c].sum(0) / 255 for c in range(10)])),
    (
        "not by the number of all",
        lambda images, labels: torch.stack([images[labels == c].sum(0) / 255 / len(images) for c in range(10)]),
    ),
    ("not their average", lambda images, labels: means(images, labels).flip(0)),
    ("not their average", lambda images, labels: torch.stack([images[labels == c][0] / 255 for c in range(10)])),
    ("not their average", lambda images, labels: means(images, labels).flip(3)),
    ("10×1×3×4, not a tensor of 1×3×4", lambda images, labels: (images / 255).mean(0)),
    ("10×1×3×4, not a tensor of 10×3×4", lambda images, labels: means(images, labels)[:, 0]),
    ("stopped with RuntimeError: mean.*in the line", lambda images, labels: images[labels == 3].mean(dim=0)),
)
