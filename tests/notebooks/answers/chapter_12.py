# ruff: noqa: F821
import numpy as np


def by_asking(weight, bias, mean, std):
    """What a black image gives is the bias; what a single pixel adds is its weight."""
    black = torch.zeros(1, 1, 3, 3)
    single = torch.eye(9).view(9, 1, 3, 3)

    def answer(pixels):
        return F.conv2d((pixels / 255 - mean) / std, weight, bias)[:, :, 0, 0]

    return (answer(single) - answer(black)).T.reshape(weight.shape), answer(black)[0]


def kernel_by_kernel(weight, bias, mean, std):
    weights, biases = [], []
    for kernel, number in zip(weight.tolist(), bias.tolist(), strict=True):
        total = sum(sum(row) for row in kernel[0])
        biases.append(number - total * mean / std)
        weights.append([[[value / 255 / std for value in row] for row in kernel[0]]])
    return weights, biases


right(
    "12.1",
    by_asking,
    kernel_by_kernel,
    lambda weight, bias, mean, std: (
        weight.numpy() / 255 / std,
        bias.numpy() - weight.numpy().sum((1, 2, 3)) * mean / std,
    ),
    lambda weight, bias, mean, std: [
        weight.double() / (std * 255),
        bias.double() - mean / std * weight.double().flatten(1).sum(1),
    ],
    lambda weight, bias, mean, std: (
        weight / (255 * std),
        F.conv2d(torch.full((1, 1, 3, 3), -mean / std), weight, bias).flatten(),
    ),
    lambda weight, bias, mean, std: (
        weight * (1 / 255 / std),
        torch.einsum("oikl->o", weight) * (0 - mean) / std + bias,
    ),
)


def of(weight=lambda weight, mean, std: weight / (255 * std), bias=lambda sums, mean, std: -sums * mean / std):
    def fold_normalisation(given_weight, given_bias, mean, std):
        return weight(given_weight, mean, std), given_bias + bias(given_weight.sum(dim=(1, 2, 3)), mean, std)

    return fold_normalisation


def in_place(weight, bias, mean, std):
    weight /= 255 * std
    return weight, bias


wrong(
    "12.1",
    ("bias is as before", of(bias=lambda sums, mean, std: 0 * sums)),
    ("sign of what is added", of(bias=lambda sums, mean, std: sums * mean / std)),
    ("subtracted after the division by 255", of(bias=lambda sums, mean, std: -sums * mean / (255 * std))),
    ("only the bias counts. Add", of(bias=lambda sums, mean, std: -mean / std)),
    ("only the bias counts. Add", of(bias=lambda sums, mean, std: -sums * mean)),
    ("only the bias counts. Add", of(bias=lambda sums, mean, std: -sums / 9 * mean / std)),
    ("only the bias counts. Add", of(bias=lambda sums, mean, std: -sums * 0.1307 / 0.3081)),
    ("divide a raw pixel by 255 too", of(weight=lambda weight, mean, std: weight / std)),
    ("weight is not: a raw pixel", of(weight=lambda weight, mean, std: weight / 255)),
    ("weight is not: a raw pixel", of(weight=lambda weight, mean, std: weight * std / 255)),
    ("weight is not: a raw pixel", of(weight=lambda weight, mean, std: weight)),
    ("weight is not: a raw pixel", of(weight=lambda weight, mean, std: (weight - mean) / (255 * std))),
    (
        "The bias, one value for each output, should be 8, not a tensor of 8×1×1×1",
        lambda weight, bias, mean, std: (weight / 255 / std, bias[:, None, None, None]),
    ),
    ("The weight should be 8×1×3×3, not a tensor of 8×9", lambda weight, bias, mean, std: (weight.flatten(1), bias)),
    ("two values", lambda weight, bias, mean, std: weight / (255 * std)),
    ("changes the Tensor", in_place),
    ("stopped with RuntimeError", lambda weight, bias, mean, std: (weight, bias - weight * mean)),
)


def with_loops(network, images):
    total = np.zeros((len(images), 10))
    for right in range(-1, 2):
        for down in range(-1, 2):
            total += read(network, moved(images, right, down)).numpy() / 9
    return total


def one_batch(network, images):
    every = torch.cat([moved(images, x, y) for y in (-1, 0, 1) for x in (1, 0, -1)])
    return read(network, every).unflatten(0, (9, len(images))).mean(dim=0)


def image_by_image(network, images):
    return torch.stack([one_batch(network, image[None])[0] for image in images])


right(
    "12.2",
    with_loops,
    one_batch,
    image_by_image,
    lambda network, images: sum(read(network, moved(images, x, y)) for x in (-1, 0, 1) for y in (-1, 0, 1)) / 9,
    lambda network, images: one_batch(network, images).double(),
    lambda network, images: one_batch(network, images).tolist(),
)


def opinions(places, mean=lambda answers: torch.stack(answers).mean(dim=0)):
    return lambda network, images: mean([read(network, moved(images, x, y)) for x, y in places])


def all_nine():
    return [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]


def of_networks(network_, images):
    return one_batch(network, images)


wrong(
    "12.2",
    ("image itself alone", lambda network, images: read(network, images)),
    ("add up to 1, not to 9", opinions(all_nine(), mean=sum)),
    ("One of the nine is missing", opinions([place for place in all_nine() if place != (0, 0)])),
    ("along the diagonal", opinions([(x, x) for x in (-1, 0, 1)])),
    ("Nine moves", opinions([(x, 0) for x in (-1, 0, 1)])),
    ("Nine moves", opinions([(x, y) for x in (0, 1, 2) for y in (0, 1, 2)])),
    ("Nine moves", opinions([(2 * x, 2 * y) for x, y in all_nine()])),
    ("Nine moves", opinions([(x, y) for x in (-1, 1) for y in (-1, 1)])),
    ("Nine moves|image itself", opinions([(0, 0), (0, 0), (1, 1)])),
    ("Nine moves|add up", opinions(all_nine(), mean=lambda answers: torch.stack(answers).median(dim=0).values)),
    ("add up to 1", opinions(all_nine(), mean=lambda answers: torch.stack(answers).amax(dim=0))),
    ("the network that is given", of_networks),
    (
        "which should be 50×10, not a tensor of 9×10",
        opinions(all_nine(), mean=lambda answers: torch.stack(answers).mean(dim=1)),
    ),
    ("not a tensor of 9×50×10", opinions(all_nine(), mean=torch.stack)),
    ("not a tensor of 50", lambda network, images: one_batch(network, images).argmax(dim=1)),
    ("add up to 1", lambda network, images: torch.zeros(len(images), 10)),
    ("Nine moves", lambda network, images: torch.full((len(images), 10), 0.1)),
    ("stopped with TypeError", lambda network, images: read(network, moved(images))),
)


def by_slices(maps):
    pairs = np.maximum(maps[:, ::2], maps[:, 1::2])
    return np.maximum(pairs[:, :, ::2], pairs[:, :, 1::2])


def square_by_square(maps):
    channels, height, width = maps.shape
    return [
        [[maps[c, i : i + 2, j : j + 2].max() for j in range(0, width, 2)] for i in range(0, height, 2)]
        for c in range(channels)
    ]


def by_windows(maps):
    return np.lib.stride_tricks.sliding_window_view(maps, (2, 2), axis=(1, 2))[:, ::2, ::2].max(axis=(3, 4))


right(
    "12.3",
    by_slices,
    square_by_square,
    by_windows,
    lambda maps: F.max_pool2d(torch.as_tensor(maps), 2).numpy(),
    lambda maps: torch.nn.MaxPool2d(2)(torch.tensor(maps)),
    lambda maps: np.stack([maps[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]).max(0).astype(np.float32),
)


def in_place(maps):
    maps[:, ::2] = np.maximum(maps[:, ::2], maps[:, 1::2])
    return maps[:, ::2, ::2]


wrong(
    "12.3",
    (
        "means of the squares",
        lambda maps: maps.reshape(len(maps), maps.shape[1] // 2, 2, maps.shape[2] // 2, 2).mean((2, 4)),
    ),
    ("smallest numbers", lambda maps: -by_slices(-maps)),
    ("are 0, where", lambda maps: np.maximum(by_slices(maps), 0)),
    ("not the largest of 2×2", lambda maps: maps[:, ::2, ::2]),
    ("not the largest of 2×2", lambda maps: np.maximum(maps[:, ::2, ::2], maps[:, 1::2, 1::2])),
    ("not the largest of 2×2", lambda maps: np.maximum(maps[:, ::2, ::2], maps[:, ::2, 1::2])),
    ("not the largest of 2×2", lambda maps: maps.reshape(len(maps), maps.shape[1] // 2, maps.shape[2] // 2, 4).max(3)),
    (
        "not the largest of 2×2",
        lambda maps: maps.reshape(len(maps), 2, maps.shape[1] // 2, 2, maps.shape[2] // 2).max((1, 3)),
    ),
    ("not the largest of 2×2|smallest", lambda maps: by_slices(np.abs(maps))),
    (
        "3×4×3, not an array of 3×7×5",
        lambda maps: np.lib.stride_tricks.sliding_window_view(maps, (2, 2), axis=(1, 2)).max((3, 4)),
    ),
    ("3×4×3, not an array of 4×3", lambda maps: by_slices(maps).max(0)),
    ("not an array of 3×4×6", lambda maps: np.maximum(maps[:, ::2], maps[:, 1::2])),
    (
        "Maps of 1×2×2: .*1×1×1, not an array of 3×4×3",
        lambda maps: np.ones((3, 4, 3)) * 0 + by_slices(np.random.default_rng(17).normal(size=(3, 8, 6)) - 1),
    ),
    ("changes the ndarray", in_place),
    ("stopped with AttributeError.*amax", lambda maps: maps.amax((2, 3))),
    ("not the largest of 2×2", lambda maps: np.zeros((len(maps), maps.shape[1] // 2, maps.shape[2] // 2))),
    ("stopped with ValueError", lambda maps: maps.reshape(3, 4, 2, 3, 3).max((2, 4))),
)

equal(
    "12.1",
    "the order of axes, notes, moves or what is compared does not matter",
    "return (weight / (255 * std), bias - weight.sum(dim=(3, 2, 1)) * mean / std)",
)
equal(
    "12.2",
    "the order of axes, notes, moves or what is compared does not matter",
    "opinions = [read(network, moved(images, x, y)) for x in (1, 0, -1) for y in (-1, 0, 1)]",
    "opinions = [read(network, moved(images, x, y)) for x in (-1, 0, 1) for y in (1, 0, -1)]",
)
equal(
    "12.3",
    "the order of axes, notes, moves or what is compared does not matter",
    "return maps.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(4, 2))",
)


def four(points=((110, 50), (80, 150), (200, 150)), second=((165, 80), (160, 230)), radius=12):
    strokes = [{"radius": radius, "points": [list(point) for point in way]} for way in (points, second) if way]
    return lambda: strokes


right(
    "12.a",
    four(),
    four(radius=8),
    lambda: tuple(four()()),
    four(points=((100, 60), (90, 140), (190, 140)), second=((170, 60), (170, 220))),
    lambda: next(drawing["strokes"] for drawing in sample_drawings() if drawing["digit"] == 4),
    lambda: [{"radius": 12.0, "points": [(110.5, 50.0), (80.0, 150.0), (200.0, 150.0)]}, *four()()[1:]],
)
wrong(
    "12.a",
    ("The network reads a", lambda: seven),
    ("The network reads a", four(second=((140, 40), (140, 240)), points=())),
    ("drawing is empty", lambda: []),
    ("list of strokes", lambda: 4),
    ("list of strokes", lambda: {"radius": 12, "points": [[1, 2]]}),
    ("needs a radius and a list", lambda: [[[110, 50], [80, 150]]]),
    ("radius of stroke 1", lambda: [{"points": [[110, 50], [80, 150]]}]),
    ("is not on the pad", four(points=((110, 50), (80, 150), (900, 150)))),
    ("two numbers", lambda: [{"radius": 12, "points": [[110], [80, 150]]}]),
    ("two numbers", lambda: [{"radius": 12, "points": [["a", "b"], [80, 150]]}]),
)

right(
    "12.b",
    lambda image: (image.sum(dim=1) * torch.arange(len(image))).sum() / image.sum(),
    lambda image: np.average(np.arange(len(image)), weights=image.sum(dim=1).numpy()),
    lambda image: float(sum(row * float(line.sum()) for row, line in enumerate(image)) / float(image.sum())),
    lambda image: (image * torch.arange(len(image))[:, None]).double().sum() / image.double().sum(),
    lambda image: torch.einsum("hw,h->", image, torch.arange(len(image)).float()) / image.sum(),
)
wrong(
    "12.b",
    ("mean column", lambda image: (image.sum(dim=0) * torch.arange(image.shape[1])).sum() / image.sum()),
    ("from 0, not from 1", lambda image: (image.sum(dim=1) * torch.arange(1, len(image) + 1)).sum() / image.sum()),
    ("wherever the ink is", lambda image: (len(image) - 1) / 2),
    ("number of its rows", lambda image: (image.sum(dim=1) * torch.arange(len(image))).mean()),
    ("count alike", lambda image: (image.sum(dim=1) > 0).nonzero().float().mean()),
    ("it should be", lambda image: (image.sum(dim=1) * torch.arange(len(image))).sum()),
    ("it should be", lambda image: image.sum(dim=1).argmax()),
    ("it should be", lambda image: image.mean()),
    (
        "it should be",
        lambda image: (image.sum(dim=1) ** 2 * torch.arange(len(image))).sum() / (image.sum(dim=1) ** 2).sum(),
    ),
    ("one number", lambda image: image.sum(dim=1)),
)

right(
    "12.c",
    lambda images: (images / 255).sum(dim=(1, 2, 3)),
    lambda images: images.flatten(1).sum(dim=1) / 255,
    lambda images: images.numpy().astype(np.float64).sum(axis=(1, 2, 3)) / 255,
    lambda images: [float(image.sum()) / 255 for image in images],
    lambda images: torch.stack([image.double().sum() for image in images]) / 255,
)
wrong(
    "12.c",
    ("count 1, not 255", lambda images: images.flatten(1).sum(dim=1)),
    ("mean of the pixels", lambda images: (images / 255).mean(dim=(1, 2, 3))),
    ("counts pixels with any ink", lambda images: (images > 0).flatten(1).sum(dim=1)),
    ("should be", lambda images: (images / 255).sum()),
    ("should be", lambda images: (images / 255).sum(dim=(2, 3))),
    ("should have", lambda images: images.flatten(1).sum(dim=1) / 256),
    ("other images|should have", lambda images: (images / 255).amax(dim=(1, 2, 3)) * images[0].numel()),
    ("other images|should have", lambda images: (images / 255).sum(dim=(1, 2, 3)).flip(0)),
    ("should have|other images", lambda images: (images.flatten(1) // 2).sum(dim=1) / 127.5),
    ("other images|should have", lambda images: (images > 127).flatten(1).sum(dim=1)),
)


def style(*values):
    return lambda: handwriting.Style(*values)


right(
    "12.d",
    style(0, "slash", "40,0 10,20 0,55 20,95 50,98 70,50 62,12 40,0 | 5,95 72,8"),
    style(7, "bar", "5,5 70,3! 28,100 | 20,55 66,50", "my school"),
    style(1, "long", "5,45 50,0! 50,100"),
    style(4, "one stroke", "15,5 5,57! 50,53! 58,10! 46,100"),
    style(2, "straight", "5,10 55,0! 5,95! 60,98"),
    lambda: dataclasses.replace(
        handwriting.find_style(5, "angular"), name="mine", path="58,2 12,4! 9,44! 58,50! 52,96! 4,98"
    ),
)
wrong(
    "12.d",
    ("Return a handwriting.Style", lambda: "5,5 70,3! 28,100"),
    ("Return a handwriting.Style", lambda: (7, "bar", "5,5 70,3! 28,100")),
    ("It looks like a 7, not like a 2", style(2, "bar", "5,5 70,3! 28,100 | 20,55 66,50")),
    ("the course's style 7 plain", lambda: handwriting.Style(7, "mine", handwriting.find_style(7, "plain").path)),
    ("is no point", style(1, "x", "0,0 100")),
    ("a digit is 0 to 9", style(12, "x", "0,0 1,1")),
    ("stroke without a point", style(1, "x", "50,0 50,100 |")),
    ("Return a handwriting.Style", lambda: handwriting.Style),
    ("the course's style 0 slashed", lambda: handwriting.find_style(0, "slashed")),
    ("not like a 1", style(1, "upside down", "5,98 70,100! 30,0 | 25,50 68,47")),
    ("not like a 0", style(0, "a one", "52,0 50,100")),
)

equal("12.a", "any four is right")
equal("12.c", "a sum does not depend on the order of the axes", "return (images / 255).sum(dim=(3, 2, 1))")
equal("12.d", "any style of one's own is right")
