# ruff: noqa: F821
import numpy as np


def pixel_by_pixel(kernel, size):
    matrix = np.zeros(((size - 2) ** 2, size**2))
    for row in range(size - 2):
        for column in range(size - 2):
            for i in range(3):
                for j in range(3):
                    matrix[row * (size - 2) + column, (row + i) * size + column + j] = kernel[i, j]
    return matrix


def of_unit_images(kernel, size):
    unit = torch.eye(size**2).view(-1, 1, size, size)
    return F.conv2d(unit, kernel[None, None]).flatten(1).T


def padded(kernel, size):
    rest = size - 3
    places = [(row, column) for row in range(rest + 1) for column in range(rest + 1)]
    return torch.stack([F.pad(kernel, (j, rest - j, i, rest - i)).flatten() for i, j in places])


def of_the_gradient(kernel, size):
    image = torch.zeros(1, 1, size, size)
    return torch.autograd.functional.jacobian(lambda image: F.conv2d(image, kernel[None, None]), image).view(
        -1, size**2
    )


right(
    "9.1",
    pixel_by_pixel,
    of_unit_images,
    padded,
    of_the_gradient,
    lambda kernel, size: padded(kernel.double(), size).tolist(),
    lambda kernel, size: list(padded(kernel, size)),
)
wrong(
    "9.1",
    ("turned by 180", lambda kernel, size: padded(kernel.flip(0, 1), size)),
    ("on its side", lambda kernel, size: padded(kernel.T, size)),
    ("9×25, not a tensor of 25×9", lambda kernel, size: padded(kernel, size).T),
    ("nine weights of the kernel once", lambda kernel, size: torch.zeros((size - 2) ** 2, size**2)),
    ("nine weights of the kernel once", lambda kernel, size: padded(torch.eye(3) * kernel, size)),
    ("nine weights of the kernel once", lambda kernel, size: torch.ones((size - 2) ** 2, size**2)),
    ("all at the right pixel", lambda kernel, size: padded(kernel, size).flip(0)),
    ("all at the right pixel", lambda kernel, size: padded(kernel, size).flip(1)),
    ("all at the right pixel", lambda kernel, size: padded(kernel.flip(0), size)),
    (
        "all at the right pixel",
        lambda kernel, size: F.pad(kernel.flatten(), (0, size**2 - 9)).expand((size - 2) ** 2, -1),
    ),
    ("all at the right pixel", lambda kernel, size: padded(kernel, size).view(-1, size, size).mT.flatten(1)),
    ("must be|the matrix should be 9×25", lambda kernel, size: padded(kernel, 7)),
    ("the matrix should be 4×16", lambda kernel, size: padded(kernel, 5)),
    ("all at the right pixel", lambda kernel, size: 2 * padded(kernel, size)),
    ("all at the right pixel", lambda kernel, size: padded(torch.arange(1.0, 10).view(3, 3), size)),
    ("stopped with RuntimeError", lambda kernel, size: torch.zeros(size, size)[: size - 2] + kernel),
)


def by_hand(model, part, strengths):
    accuracies = np.zeros(len(strengths))
    for place, strength in enumerate(strengths):
        torch.manual_seed(0)
        pixels = random_noise(part.images / 255, strength)
        answers = predict(model, ((pixels - part.mean[0]) / part.std[0]).to(device)).argmax(dim=1)
        accuracies[place] = (answers == part.labels).double().mean()
    return accuracies


def own_noise(model, part, strengths):
    accuracies = []
    for strength in strengths:
        noise = torch.randn(part.images.shape, generator=torch.Generator().manual_seed(0))
        pixels = (part.images / 255 + strength * noise).clamp(0, 1)
        logits = model((pixels - part.mean[0]) / part.std[0])
        accuracies.append((logits.argmax(dim=1) == part.labels).float().mean())
    return accuracies


def one_strength(model, part, strength):
    torch.manual_seed(0)
    return evaluate(
        model, Loader(part, 250, augment=lambda images: random_noise(images, strength), device=device)
    ).accuracy


def with_a_def(model, part, strengths):
    def accuracy(strength):
        def noisy(images):
            return random_noise(images, (strength, strength))

        torch.manual_seed(0)
        return evaluate(model, Loader(part, 1000, augment=noisy)).accuracy

    return tuple(map(accuracy, strengths))


right(
    "9.2",
    by_hand,
    own_noise,
    with_a_def,
    lambda model, part, strengths: [one_strength(model, part, strength) for strength in strengths],
    lambda model, part, strengths: torch.tensor(with_a_def(model, part, strengths)).double(),
    lambda model, part, strengths: torch.tensor([one_strength(model, part, strength) for strength in strengths]),
)


def measuring(
    augment=lambda strength: partial(random_noise, strength=strength), seed=True, first=False, measure=evaluate
):
    def accuracies_by_noise(model, part, strengths):
        accuracies = []
        if first:
            torch.manual_seed(0)
        for strength in strengths:
            if seed:
                torch.manual_seed(0)
            accuracies.append(measure(model, Loader(part, 1000, augment=augment(strength), device=device)).accuracy)
        return accuracies

    return accuracies_by_noise


def noise_on_normalised(model, part, strengths):
    accuracies = []
    for strength in strengths:
        torch.manual_seed(0)
        images, labels = next(iter(Loader(part, len(part))))
        answers = predict(model, images + strength * torch.randn_like(images)).argmax(dim=1)
        accuracies.append((answers == labels).float().mean().item())
    return accuracies


def late_binding(model, part, strengths):
    loaders = [Loader(part, 1000, augment=lambda images: random_noise(images, strength)) for strength in strengths]  # noqa: B023
    accuracies = []
    for loader in loaders:
        torch.manual_seed(0)
        accuracies.append(evaluate(model, loader).accuracy)
    return accuracies


wrong(
    "9.2",
    ("images without noise", measuring(augment=lambda strength: None)),
    ("seed 0 before each measurement", measuring(seed=False, first=True)),
    ("seed 0 before each measurement|same noise", measuring(seed=False)),
    ("another amount of noise", measuring(augment=lambda strength: partial(random_noise, strength=(0, strength)))),
    ("another amount of noise", measuring(augment=lambda strength: partial(random_noise, strength=strength / 2))),
    (
        "another amount of noise|no noise at all",
        measuring(augment=lambda strength: partial(random_noise, strength=0.5)),
    ),
    ("pixels below 0|before they are normalised", noise_on_normalised),
    ("no noise at all|another amount|without noise", late_binding),
    ("Return fractions", lambda *given: [100 * accuracy for accuracy in measuring()(*given)]),
    ("no noise at all", lambda *given: [1 - accuracy for accuracy in measuring()(*given)]),
    ("should see 200 images", lambda model, part, strengths: [0.9] * len(strengths)),
    ("list of accuracies should be 1, not", lambda *given: measuring()(*given)[0]),
    (
        "not a dict",
        lambda model, part, strengths: dict(zip(strengths, measuring()(model, part, strengths), strict=True)),
    ),
    (
        "Measure the model that is given|should see",
        lambda model, part, strengths: measuring()(networks["dense"], part, strengths),
    ),
    ("should see|no noise", lambda model, part, strengths: measuring()(model, valid, strengths)),
    (
        "another amount|without noise|accuracy should be|another",
        lambda model, part, strengths: measuring()(model, part, sorted(strengths)),
    ),
    (
        "stopped with KeyError|stopped with TypeError",
        lambda model, part, strengths: [evaluate(model, part, strength) for strength in strengths],
    ),
    (
        "no noise at all|accuracy should be|Return",
        lambda *given: [min(accuracy, 0.5) for accuracy in measuring()(*given)],
    ),
)


def costs(learn, network, order, seeds, which=1, times=100, sign=1, changes=None, other_seed=0):
    """The experiment, with one thing or another done differently."""
    train_change, valid_change = changes or [partial(scramble, order=order)] * 2
    return [
        sign
        * times
        * (
            learn(network, seed, None, None)[which]
            - learn(network, seed + other_seed, train_change, valid_change)[which]
        )
        for seed in seeds
    ]


def in_two_loops(learn, network, order, seeds):
    def disorder(pictures):
        return pictures.flatten(1)[:, order].view(pictures.shape)

    plain = [learn(network, seed, train_change=None, valid_change=None) for seed in seeds]
    scrambled = [learn(network, seed, train_change=disorder, valid_change=disorder) for seed in seeds]
    return 100 * (np.array(plain) - np.array(scrambled))[:, 1]


def unchanged(pictures):
    return pictures


right(
    "9.3",
    in_two_loops,
    lambda learn, network, order, seeds: costs(learn, network, order, seeds),
    lambda learn, network, order, seeds: torch.tensor(costs(learn, network, order, seeds, times=-100, sign=-1)),
    lambda learn, network, order, seeds: tuple(
        (learn(network, seed, unchanged, unchanged)[-1] - learn(network, seed, *[lambda p: scramble(p, order)] * 2)[-1])
        / 0.01
        for seed in seeds
    ),
    lambda learn, network, order, seeds: list(
        map(
            lambda seed: (
                100 * learn(network, seed, None, unchanged)[1]
                - 100 * learn(network, seed, *[partial(scramble, order=order)] * 2)[1]
            ),
            seeds,
        )
    ),
)


def with_costs(**different):
    return lambda *given: costs(*given, **different)


def other_order(pictures):
    return scramble(pictures, torch.randperm(784, generator=torch.Generator().manual_seed(1)))


wrong(
    "9.3",
    ("not the other way round", with_costs(sign=-1)),
    ("Judge on validation", with_costs(which=0)),
    ("In percentage points", with_costs(times=1)),
    (
        "measured on others, as they are",
        lambda learn, network, order, seeds: costs(
            learn, network, order, seeds, changes=(partial(scramble, order=order), None)
        ),
    ),
    (
        "measured on others, scrambled",
        lambda learn, network, order, seeds: costs(
            learn, network, order, seeds, changes=(None, partial(scramble, order=order))
        ),
    ),
    ("Digits as they are were trained on", with_costs(changes=(None, None))),
    ("Digits scrambled were trained on", with_costs(other_seed=1)),
    (
        "Digits as they are were trained on",
        lambda learn, network, order, seeds: costs(learn, network, order, [0] * len(seeds)),
    ),
    ("scramble with the order given", with_costs(changes=(other_order, other_order))),
    ("digits are put back", lambda learn, network, order, seeds: costs(learn, network, order.argsort(), seeds)),
    ("Train the network that is given", lambda learn, network, order, seeds: costs(learn, SeminarCNN, order, seeds)),
    ("Train the network that is given", lambda learn, network, order, seeds: costs(learn, SeminarMLP, order, seeds)),
    ("in the order of the seeds", lambda learn, network, order, seeds: costs(learn, network, order, seeds)[::-1]),
    ("one for each seed, should be 3", lambda learn, network, order, seeds: mean(costs(learn, network, order, seeds))),
    ("A change is None or a function", with_costs(changes=(True, True))),
    ("stopped with TypeError", lambda learn, network, order, seeds: [learn(network, seed)[1] for seed in seeds]),
    ("of one seed|order of the seeds", with_costs(times=200)),
)

right(
    "9.e",
    lambda before, after: (before.sum() - after.sum()) / before.sum(),
    lambda before, after: 1 - after.numpy().astype(float).sum() / before.numpy().astype(float).sum(),
    lambda before, after: (before - after).sum() / before.sum(),
    lambda before, after: (1 - after.mean() / before.mean()).item(),
    lambda before, after: 1 - sum(after.flatten().tolist()) / sum(before.flatten().tolist()),
)
wrong(
    "9.e",
    ("share that is left", lambda before, after: after.sum() / before.sum()),
    ("from 0 to 1", lambda before, after: 100 - 100 * after.sum() / before.sum()),
    ("The sign", lambda before, after: after.sum() / before.sum() - 1),
    ("ink of all the images before", lambda before, after: before.sum() - after.sum()),
    ("ink of all the images before", lambda before, after: before.sum() / after.sum() - 1),
    ("ink of all the images before", lambda before, after: (before - after).mean()),
    ("ink of all the images before", lambda before, after: (before.sum() - after.sum()) / len(before)),
    ("grey pixel is less ink", lambda before, after: 1 - (after > 0).sum() / (before > 0).sum()),
    ("mean of the images", lambda before, after: (1 - after.sum((1, 2, 3)) / before.sum((1, 2, 3))).mean()),
    ("that move are not lost", lambda before, after: (before - after).abs().sum() / before.sum()),
    ("should be", lambda before, after: 0),
    ("one number", lambda before, after: 1 - after.sum((1, 2, 3)) / before.sum((1, 2, 3))),
)

equal("9.1", "a list of rows is a matrix", "return rows")
equal(
    "9.2",
    "what is said is the default",
    "loader = Loader(part, 1000, augment=partial(random_noise, strength=strength))",
)
equal(
    "9.2",
    "the images fit into one batch all the same",
    "loader = Loader(part, 1001, augment=partial(random_noise, strength=strength), device=device)",
    "loader = Loader(part, 999, augment=partial(random_noise, strength=strength), device=device)",
    "loader = Loader(part, 2000, augment=partial(random_noise, strength=strength), device=device)",
)

right(
    "9.a",
    lambda sizes: sum((a + 1) * b for a, b in pairwise(sizes)),
    lambda sizes: sum(sum(map(torch.numel, nn_linear(a, b).parameters())) for a, b in pairwise(sizes)),
    lambda sizes: int(np.dot(np.array(sizes[:-1]) + 1, sizes[1:])),
    lambda sizes: torch.tensor(sum(sizes[k] * sizes[k + 1] + sizes[k + 1] for k in range(len(sizes) - 1))).item(),
    lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes) - sizes[0],
)


def nn_linear(inputs, outputs):
    return torch.nn.Linear(inputs, outputs)


wrong(
    "9.a",
    ("biases are missing", lambda sizes: sum(a * b for a, b in pairwise(sizes))),
    ("inputs have no bias", lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes)),
    ("one for each layer|it should be", lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes))),
    ("only the first layer", lambda sizes: (sizes[0] + 1) * sizes[1]),
    ("it should be|biases are", lambda sizes: sum(a * (b + 1) for a, b in pairwise(sizes))),
    ("it should be|biases are", lambda sizes: math.prod(sizes)),
    ("it should be|biases are", lambda sizes: sizes[0] * sizes[-1] + sizes[-1] + 1),
    ("it should be", lambda sizes: sum(sizes)),
    ("it should be", lambda sizes: sum((a + 1) * (b + 1) for a, b in pairwise(sizes))),
    ("one number", lambda sizes: [(a + 1) * b for a, b in pairwise([*sizes, 2])]),
)

right(
    "9.b",
    lambda pixels, strides: None if pixels % math.prod(strides) else pixels // math.prod(strides),
    lambda pixels, strides: step_by_step(pixels, strides),
    lambda pixels, strides: int(pixels / math.prod(strides)) if pixels / math.prod(strides) % 1 == 0 else None,
    lambda pixels, strides: pixels / math.prod(strides) if pixels % math.prod(strides) == 0 else None,
    lambda pixels, strides: {k * math.prod(strides): k for k in range(pixels + 1)}.get(pixels),
)


def step_by_step(pixels, strides):
    for stride in strides:
        if pixels % stride:
            return None
        pixels //= stride
    return pixels


wrong(
    "9.b",
    ("multiplied, not added", lambda pixels, strides: pixels / max(sum(strides), 1)),
    ("there are fewer", lambda pixels, strides: pixels * math.prod(strides)),
    ("not looked at", lambda pixels, strides: pixels),
    ("no whole number", lambda pixels, strides: pixels // math.prod(strides)),
    ("no whole number", lambda pixels, strides: pixels / math.prod(strides)),
    ("should be|not looked", lambda pixels, strides: pixels // strides[0]),
    ("should be", lambda pixels, strides: pixels // math.prod(strides) + 1),
    ("should be", lambda pixels, strides: pixels // max(strides) + 3),
    ("should be|fewer", lambda pixels, strides: math.prod(strides) + 7),
    ("should be|not looked", lambda pixels, strides: pixels - len(strides) + 1),
    ("one number", lambda pixels, strides: [pixels, 1]),
)

right(
    "9.c",
    lambda order: torch.argsort(order),
    lambda order: np.argsort(order.numpy()),
    lambda order: torch.empty_like(order).scatter_(0, order, torch.arange(len(order))),
    lambda order: [order.tolist().index(place) for place in range(len(order))],
    lambda order: order.sort().indices,
)
wrong(
    "9.c",
    ("order itself", lambda order: order),
    ("Reversed", lambda order: order.flip(0)),
    ("each place once", lambda order: torch.zeros_like(order)),
    ("not the image", lambda order: torch.arange(len(order))),
    ("not the image", lambda order: order.argsort(descending=True)),
    ("not the image|order itself", lambda order: order[order]),
    ("not the image", lambda order: order.argsort().flip(0)),
    ("each place once", lambda order: -order),
    ("each place once", lambda order: order + 1),
    ("should be", lambda order: order.argsort()[:-1]),
)

right(
    "9.d",
    lambda worse, better: 1 - (1 - better) / (1 - worse),
    lambda worse, better: ((1 - worse) - (1 - better)) / (1 - worse),
    lambda worse, better: np.float64(better - worse) / np.float64(1 - worse),
    lambda worse, better: torch.tensor(better - worse).double() / (1 - worse),
    lambda worse, better: (100 * better - 100 * worse) / (100 - 100 * worse),
)
wrong(
    "9.d",
    ("share of all images", lambda worse, better: better - worse),
    ("not by those that are left", lambda worse, better: (better - worse) / (1 - better)),
    ("that is left", lambda worse, better: (1 - better) / (1 - worse)),
    ("not by what is right", lambda worse, better: (better - worse) / worse),
    ("not in per cent", lambda worse, better: 100 * (better - worse) / (1 - worse)),
    ("it should be", lambda worse, better: better / worse),
    ("it should be", lambda worse, better: (worse - better) / (1 - worse)),
    ("it should be", lambda worse, better: (1 - worse) / (1 - better)),
    ("one number", lambda worse, better: (1 - worse, 1 - better)),
    ("it should be", lambda worse, better: (better - worse) / better),
)
