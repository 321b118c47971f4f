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

equal(
    "5.3",
    "a tensor with one number is a number",
    "top = torch.randint(height - size + 1, (1,))",
    "left = torch.randint(width - size + 1, (1,))",
)
equal(
    "5.3",
    "of N×C×H×W, 2 and -2 are the same axis; [0] and [-1] of one image the same image",
    "height, width = images.shape[+2:]",
)

right(
    "5.a",
    lambda x, layers: (1 - math.tanh(x) ** 2) ** layers,
    lambda x, layers: math.cosh(x) ** (-2 * layers),
    lambda x, layers: np.prod([1 - np.tanh(x) ** 2] * layers),
    lambda x, layers: (1 - torch.tensor(x).double().tanh() ** 2).pow(layers),
    lambda x, layers: math.exp(layers * math.log(1 - math.tanh(x) ** 2)),
)
wrong(
    "5.a",
    ("not its slope", lambda x, layers: math.tanh(x) ** layers),
    ("multiply the slopes", lambda x, layers: (1 - math.tanh(x) ** 2) * layers),
    ("slope of one layer", lambda x, layers: 1 - math.tanh(x) ** 2),
    ("without another factor", lambda x, layers: (1 - math.tanh(x)) ** layers),
    ("it should be", lambda x, layers: 1 - math.tanh(x) ** (2 * layers)),
    ("it should be|slope of one", lambda x, layers: (1 - math.tanh(x) ** 2) ** (layers - 1)),
    ("it should be", lambda x, layers: (1 + math.tanh(x) ** 2) ** layers),
    ("it should be", lambda x, layers: 1 - math.tanh(x * layers) ** 2),
    ("it should be|slope of one", lambda x, layers: 1.0),
    ("one number", lambda x, layers: [(1 - math.tanh(x) ** 2)] * (layers + 1)),
)

right(
    "5.b",
    lambda known, unseen: (1 - unseen) / (1 - known),
    lambda known, unseen: (unseen - 1) / (known - 1),
    lambda known, unseen: np.subtract(1, unseen) / np.subtract(1, known),
    lambda known, unseen: (torch.tensor(1.0) - unseen) / (torch.tensor(1.0) - known),
    lambda known, unseen: (100 - 100 * unseen) / (100 - 100 * known),
    lambda known, unseen: round(12_000 * (1 - unseen)) / 12_000 / (1 - known),
)
wrong(
    "5.b",
    ("turned round", lambda known, unseen: (1 - known) / (1 - unseen)),
    ("divides accuracies", lambda known, unseen: known / unseen),
    ("divides accuracies", lambda known, unseen: unseen / known),
    ("difference", lambda known, unseen: known - unseen),
    ("per cent", lambda known, unseen: 100 * (1 - unseen) / (1 - known)),
    ("how much more", lambda known, unseen: (known - unseen) / (1 - known)),
    ("errors on training", lambda known, unseen: (1 - unseen) / known),
    ("it should be", lambda known, unseen: 1 - unseen),
    ("difference", lambda known, unseen: (1 - unseen) - (1 - known)),
    ("it should be", lambda known, unseen: 3.0),
    ("one number", lambda known, unseen: (1 - unseen, 1 - known)),
)


def by_formula(factor=None, root=lambda n: n**0.5, times=1, ddof=1, center=0.0):
    def found(differences):
        values = np.array(differences)
        n = len(values)
        half = times * (factor or t_975(n)) * values.std(ddof=ddof) / root(n)
        return values.mean() + center - half, values.mean() + center + half

    return found


def by_scipy(differences):
    from scipy import stats

    return tuple(stats.ttest_1samp(differences, 0).confidence_interval(0.95))


def by_torch(differences):
    values = torch.tensor(differences, dtype=torch.float64)
    half = t_975(len(values)) * values.std() / len(values) ** 0.5
    return torch.stack([values.mean() - half, values.mean() + half])


def by_sums(differences):
    n = len(differences)
    middle = sum(differences) / n
    half = t_975(n) * (sum((value - middle) ** 2 for value in differences) / (n - 1) / n) ** 0.5
    return [middle - half, middle + half]


right("5.c", by_formula(), by_scipy, by_torch, by_sums, lambda differences: np.array(by_formula()(differences)))
wrong(
    "5.c",
    ("not 1.96", by_formula(factor=1.96)),
    ("not 2.776", by_formula(factor=2.776)),
    ("root of n", by_formula(root=lambda n: 1)),
    ("not by n", by_formula(root=lambda n: n)),
    ("t is missing", by_formula(factor=1)),
    ("twice as wide", by_formula(times=2)),
    ("divides by n - 1", by_formula(ddof=0)),
    ("around their mean", by_formula(center=0.2)),
    ("lower end comes first", lambda differences: by_formula()(differences)[::-1]),
    ("two values", lambda differences: by_formula()(differences)[0]),
    ("around their mean", lambda differences: (min(differences), max(differences))),
    ("should reach", by_formula(root=lambda n: (n + 1) ** 0.5)),
)

right(
    "5.d",
    lambda weight, rate, decay, steps: weight * (1 - rate * decay) ** steps,
    lambda weight, rate, decay, steps: weight * math.exp(steps * math.log1p(-rate * decay)),
    lambda weight, rate, decay, steps: np.float64(weight) * np.power(1 - rate * decay, steps),
    lambda weight, rate, decay, steps: torch.tensor(weight).double() * (1 - rate * decay) ** steps,
    lambda weight, rate, decay, steps: one_by_one(weight, rate, decay, steps),
)


def one_by_one(weight, rate, decay, steps):
    for _ in range(steps):
        weight = weight - rate * decay * weight
    return weight


wrong(
    "5.d",
    ("share of what is left", lambda weight, rate, decay, steps: weight * (1 - rate * decay * steps)),
    ("rate is missing", lambda weight, rate, decay, steps: weight * (1 - decay) ** steps),
    ("not grow", lambda weight, rate, decay, steps: weight * (1 + rate * decay) ** steps),
    ("one step only", lambda weight, rate, decay, steps: weight * (1 - rate * decay)),
    ("it should be", lambda weight, rate, decay, steps: weight * (1 - rate) ** steps),
    ("it should be", lambda weight, rate, decay, steps: weight - decay * steps),
    ("it should be", lambda weight, rate, decay, steps: weight * (1 - rate * decay) ** (steps - 1)),
    ("it should be", lambda weight, rate, decay, steps: weight * (rate * decay) ** steps),
    ("it should be", lambda weight, rate, decay, steps: weight),
    ("one number", lambda weight, rate, decay, steps: [weight, rate]),
)


def leaving(first=1, other_seed=0, alone=False, everything=True, wrong_order=False, scale=1.0, keys=None):
    def found(learn, tools, seeds):
        answer = {}
        for tool in keys or tools:
            rest = {tool} if alone else set(tools) - {tool}
            used = reversed(seeds) if wrong_order else seeds
            base = set(tools) if everything else set()
            answer[tool] = [
                scale * first * (learn(base, seed) - learn(rest, other + other_seed))
                for seed, other in zip(seeds, used, strict=True)
            ]
        return answer

    return found


def with_numpy(learn, tools, seeds):
    full = np.array([learn(tools, seed) for seed in seeds])
    return {tool: full - [learn([t for t in tools if t != tool], seed) for seed in seeds] for tool in tools}


def with_tensors(learn, tools, seeds):
    table = {gone: torch.tensor([learn(set(tools) - {gone}, seed) for seed in seeds]) for gone in (None, *tools)}
    return {tool: table[None] - table[tool] for tool in tools}


right(
    "5.4",
    leaving(),
    with_numpy,
    with_tensors,
    lambda learn, tools, seeds: {
        tool: tuple(learn(frozenset(tools), s) - learn(frozenset(tools) - {tool}, s) for s in seeds)
        for tool in sorted(tools)
    },
    lambda learn, tools, seeds: dict(
        zip(tools, [leaving(keys=(tool,))(learn, tools, seeds)[tool] for tool in tools], strict=True)
    ),
)
wrong(
    "5.4",
    ("not the other way round", leaving(first=-1)),
    ("same seed", leaving(other_seed=1)),
    ("not this one alone", leaving(alone=True)),
    ("had all tools", leaving(everything=False)),
    ("same seed", leaving(wrong_order=True)),
    ("same seed", leaving(scale=0.01)),
    ("should have the keys", leaving(keys=("crop",))),
    ("should be a dict", lambda learn, tools, seeds: list(leaving()(learn, tools, seeds).values())),
    ("differences of", lambda learn, tools, seeds: {t: np.mean(v) for t, v in leaving()(learn, tools, seeds).items()}),
    ("same seed", lambda learn, tools, seeds: leaving()(learn, tools, [seeds[0]] * len(seeds))),
    ("had all tools", lambda learn, tools, seeds: {t: [learn({t}, s) for s in seeds] for t in tools}),
    ("same seed|other way", lambda learn, tools, seeds: {t: [learn(set(tools), s) for s in seeds] for t in tools}
     if [learn(set(tools) - {t}, 0) for t in tools] else {}),
)  # fmt: skip

equal(
    "5.4",
    "all tools in any order are all tools, and strict only guards against a slip",
    "everything = [learn(tools, seed) for seed in seeds]",
    "pairs = zip(everything, without)",
    "pairs = zip(everything, without, strict=False)",
)
