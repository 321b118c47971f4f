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
    ("2×1×8×16, not a tensor of 2×1×28×28", lambda batch, mean, std: valid.images[: len(batch)]),
    ("64×1×28×28, not a tensor of 64×784", lambda batch, mean, std: batch.flatten(1)),
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

equal(
    "1.1",
    "a tensor with one number is a number",
    "return (mean, (mean_of_squares - mean ** 2).sqrt().item())",
    "return (mean.item(), (mean_of_squares - mean ** 2).sqrt())",
)


def counting(image):
    return sum(value != 0 for row in image[0].tolist() for value in row)


right(
    "1.a",
    counting,
    lambda image: (image > 0).sum(),
    lambda image: np.count_nonzero(image.numpy()),
    lambda image: image.count_nonzero(),
    lambda image: image.numel() - (image == 0).sum().item(),
    lambda image: len(image.nonzero()),
    lambda image: float((image != 0).float().sum()),
)


def blackened(image):
    image[0, 0] = 0
    return (image > 0).sum()


wrong(
    "1.a",
    ("count the black ones", lambda image: (image == 0).sum()),
    ("count all pixels", lambda image: image.numel()),
    ("sum of the pixels", lambda image: image.sum()),
    ("sum of the pixels", lambda image: image.numpy().sum(dtype=np.uint8)),
    ("a share", lambda image: (image > 0).float().mean()),
    ("white ones only", lambda image: (image == 255).sum()),
    ("white ones only", lambda image: (image > 127).sum()),
    ("your answer is", lambda image: (image[:, :, 1:] > 0).sum() + 1),
    ("your answer is", lambda image: image.numel() - 2),
    ("one number, not a tensor of 1×2×4", lambda image: image > 0),
    ("one number", lambda image: (image > 0).sum(dim=0)),
    ("changes the Tensor", blackened),
    ("stopped with AttributeError", lambda image: image.count()),
)

right(
    "1.b",
    lambda batch: batch[:, :, 4:24, 4:24],
    lambda batch: batch[..., 4:-4, 4:-4],
    lambda batch: batch.numpy()[:, :, 4:24, 4:24],
    lambda batch: torch.stack([image[:, 4:24, 4:24] for image in batch]),
    lambda batch: batch.narrow(2, 4, 20).narrow(3, 4, 20).clone(),
    lambda batch: torch.nn.functional.pad(batch, [-4] * 4),
)


def blanked(batch):
    batch[..., 0] = 1
    return batch[..., 4:24, 4:24]


wrong(
    "1.b",
    ("keep all columns", lambda batch: batch[:, :, 4:24]),
    ("keep all rows", lambda batch: batch[:, :, :, 4:24]),
    ("one image only", lambda batch: batch[0, :, 4:24, 4:24]),
    ("upper left", lambda batch: batch[:, :, :20, :20]),
    ("not the middle", lambda batch: batch[:, :, 8:, 8:]),
    ("not the middle", lambda batch: batch[:, :, 5:25, 4:24]),
    ("20×20, not .*21×21", lambda batch: batch[:, :, 4:25, 4:25]),
    ("20×20, not .*16×16", lambda batch: batch[:, :, 4:20, 4:20]),
    ("should be", lambda batch: batch[:, 0, 4:24, 4:24]),
    ("should be", lambda batch: batch[4:24, 4:24]),
    ("not the middle", lambda batch: batch[:, :, 4:24, 4:24].mT),
    ("stopped with IndexError", lambda batch: batch[:, :, :, :, 4:24]),
    ("changes the Tensor", blanked),
)

right(
    "1.c",
    lambda images: images / 127.5 - 1,
    lambda images: (images / 255 - 0.5) / 0.5,
    lambda images: images.numpy() / 255 * 2 - 1,
    lambda images: (images.double() - 127.5) / 127.5,
    lambda images: (2 * images.float() - 255) / 255,
    lambda images: torch.linspace(-1, 1, 256)[images.long()],
)


def halved(images):
    images //= 2
    return images / 127.5 - 1


wrong(
    "1.c",
    ("scale from 0 to 1", lambda images: images / 255),
    ("white 2", lambda images: images / 127.5),
    ("other way round", lambda images: 1 - images / 127.5),
    ("wrapped around", lambda images: (images * 2) / 255 - 1),
    ("wrapped around", lambda images: (images - 127) / 128),
    ("wrapped around", lambda images: (images - 128) / 128),
    ("from -0.5 to 0.5, not", lambda images: images / 255 - 0.5),
    ("not from -1 to 1", lambda images: images.float() - 127.5),
    ("not from -1 to 1", lambda images: (images.float() - 128) / 128),
    ("not evenly", lambda images: (images / 255) ** 2 * 2 - 1),
    ("not evenly", lambda images: (images / 127.5 - 1).round()),
    ("should be .*not a tensor of", lambda images: (images / 127.5 - 1).flatten(1)),
    ("not from -1 to 1", lambda images: (images - mnist.mean[0]) / mnist.std[0]),
    ("changes the Tensor", halved),
)

right(
    "1.d",
    lambda answers, labels: (answers == labels).double().mean(),
    lambda answers, labels: (answers == labels).sum() / len(labels),
    lambda answers, labels: np.mean(answers.numpy() == labels.numpy()),
    lambda answers, labels: sum(a == b for a, b in zip(answers.tolist(), labels.tolist(), strict=True)) / len(labels),
    lambda answers, labels: 1 - (answers - labels).count_nonzero() / answers.numel(),
    lambda answers, labels: torch.eq(answers, labels).float().mean().item(),
)


def copied(answers, labels):
    answers[:] = labels
    return 1.0


wrong(
    "1.d",
    ("this is their number", lambda answers, labels: (answers == labels).sum()),
    ("share of the wrong", lambda answers, labels: (answers != labels).float().mean()),
    ("per cent", lambda answers, labels: 100 * (answers == labels).float().mean()),
    ("divide by 10", lambda answers, labels: (answers == labels).sum() / 10),
    ("Yours is", lambda answers, labels: (answers == labels).float().std()),
    ("Yours is", lambda answers, labels: 1.0),
    ("Yours is", lambda answers, labels: torch.isin(answers, labels).float().mean()),
    ("Yours is", lambda answers, labels: (answers >= labels).float().mean()),
    ("Yours is|their number", lambda answers, labels: bool((answers == labels).all())),
    ("one number, not", lambda answers, labels: answers == labels),
    ("stopped with RuntimeError: mean", lambda answers, labels: (answers == labels).mean()),
    ("changes the Tensor", copied),
)


def with_numbers(images, seeds, study, measure):
    result = []
    for seed in seeds:
        train, valid = images.split(0.2, seed=seed)
        sorted_train = train.subset(sorted(range(len(train)), key=lambda place: train.labels[place].item()))
        shuffled, ordered = study(train), study(sorted_train)
        result.append((measure(shuffled, valid), measure(ordered, valid)))
    return torch.tensor(result)


def sorted_first(images, seeds, study, measure):
    columns = [[], []]
    for seed in seeds:
        train, valid = images.split(0.2, seed)
        columns[1].append(measure(study(train.subset(train.labels.argsort())), valid))
        columns[0].append(measure(study(train), valid))
    return np.array(columns).T


def study_all_first(images, seeds, study, measure):
    parts = [images.split(0.2, seed=seed) for seed in seeds]
    learnt = [[study(t), study(t.subset(t.labels.sort(stable=True).indices))] for t, _ in parts]
    return [[measure(each, v) for each in two] for two, (_, v) in zip(learnt, parts, strict=True)]


def shuffled_again(images, seeds, study, measure):
    result = []
    for seed in seeds:
        train, valid = images.split(0.2, seed=seed)
        orders = torch.randperm(len(train)), train.labels.argsort()
        result.append([measure(study(train.subset(order)), valid) for order in orders])
    return result


def by_class(images, seeds, study, measure):
    for_each = []
    for seed in seeds:
        train, valid = images.split(0.2, seed=seed)
        order = torch.cat([(train.labels == c).nonzero()[:, 0] for c in range(10)])
        for_each.append([measure(study(train), valid), measure(study(train.subset(order)), valid)])
    return for_each


right("1.4", with_numbers, sorted_first, study_all_first, shuffled_again, by_class)


def experiment(
    split=lambda images, seed: images.split(0.2, seed=seed),
    random=lambda train: train,
    ordered=lambda train: train.subset(train.labels.argsort()),
    judge=lambda train, valid: valid,
    pair=lambda one, two: (one, two),
):
    def run(images, seeds, study, measure):
        result = []
        for seed in seeds:
            train, valid = split(images, seed)
            one, two = random(train), ordered(train)
            result.append(pair(measure(study(one), judge(one, valid)), measure(study(two), judge(two, valid))))
        return result

    return run


def other_images(images, seeds, study, measure):
    pairs = []
    for seed in seeds:
        train, valid = images.split(0.2, seed=seed)
        other, _ = images.split(0.2, seed=seed + 1)
        pairs.append([measure(study(train), valid), measure(study(other.subset(other.labels.argsort())), valid)])
    return pairs


def without_measuring(images, seeds, study, measure):
    for seed in seeds:
        train, _ = images.split(0.2, seed=seed)
        study(train), study(train.subset(train.labels.argsort()))
    return [[0.9, 0.1] for _ in seeds]


wrong(
    "1.4",
    ("validation part", experiment(judge=lambda train, valid: train)),
    ("training part only", experiment(random=lambda train: mnist.split(0.2, seed=0)[1])),
    ("training part only", experiment(split=lambda images, seed: images.split(0.2, seed=seed)[::-1])),
    ("same images: those of the seed", experiment(split=lambda images, seed: images.split(0.2, seed=0))),
    ("same images", experiment(split=lambda images, seed: images.split(0.1, seed=seed))),
    ("same images", experiment(ordered=lambda train: train.subset(train.labels.argsort()[:100]))),
    ("same images", other_images),
    ("Both orders are the same", experiment(ordered=lambda train: train)),
    ("Both orders are the same", experiment(ordered=lambda train: train.subset(slice(None)))),
    ("Both orders are the same", experiment(ordered=lambda train: train.subset(train.labels.argsort(descending=True)))),
    ("begin with the random", experiment(pair=lambda one, two: (two, one))),
    ("not the accuracies", experiment(pair=lambda one, two: (one - two, two))),
    ("not the accuracies", experiment(pair=lambda one, two: (100 * one, 100 * two))),
    ("2×2, not a list of 1", lambda *given: experiment()(given[0], given[1][:1], *given[2:])),
    ("2×2, not", experiment(pair=lambda one, two: one - two)),
    ("measure what was learnt", without_measuring),
    ("study takes a part", experiment(ordered=lambda train: train.images)),
    ("templates first", lambda images, seeds, study, measure: measure(images, study(images))),
    ("study two parts", lambda images, seeds, study, measure: [[0.8, 0.1] for _ in seeds]),
    (
        "own seed",
        lambda images, seeds, study, measure: [
            [measure(study(order), images.split(0.2, seed=9)[1]) for order in (t, t.subset(t.labels.argsort()))]
            for t in (images.split(0.2, seed=seed)[0] for seed in seeds)
        ],
    ),
)

equal("1.a", "a tensor with one number is a number", "return (image > 0).sum()")
equal("1.d", "a tensor with one number is a number", "return (answers == labels).float().mean()")
