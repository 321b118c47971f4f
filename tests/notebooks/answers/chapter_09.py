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


def by_assignment(pictures, order):
    result = torch.empty_like(pictures.flatten(1))
    result[:, order] = pictures.flatten(1)
    return result.view_as(pictures)


def pixel_by_pixel_back(pictures, order):
    result = torch.zeros(len(pictures), 784)
    for place, pixel in enumerate(order.tolist()):
        result[:, pixel] = pictures.flatten(1)[:, place]
    return result.unflatten(1, (1, 28, 28))


def of_numpy(pictures, order):
    return pictures.numpy().reshape(len(pictures), -1)[:, np.argsort(order.numpy())].reshape(pictures.shape)


def by_a_matrix(pictures, order):
    return (pictures.flatten(1).double() @ torch.eye(784, dtype=torch.float64)[order]).view(pictures.shape)


right(
    "9.3",
    by_assignment,
    pixel_by_pixel_back,
    of_numpy,
    by_a_matrix,
    lambda pictures, order: scramble(pictures, torch.sort(order).indices),
    lambda pictures, order: (
        torch.zeros_like(pictures)
        .flatten(1)
        .scatter(1, order.expand(len(pictures), -1), pictures.flatten(1))
        .view_as(pictures)
    ),
)


def in_place(pictures, order):
    pictures.flatten(1)[:] = by_assignment(pictures, order).flatten(1)
    return pictures


wrong(
    "9.3",
    ("a second time", lambda pictures, order: scramble(pictures, order)),
    ("still scrambled", lambda pictures, order: pictures.clone()),
    ("at their places", lambda pictures, order: scramble(pictures, order.flip(0))),
    ("at their places", lambda pictures, order: scramble(pictures, order.argsort(descending=True))),
    ("at their places", lambda pictures, order: by_assignment(pictures, order).mT),
    ("at their places", lambda pictures, order: some[: len(pictures)].clone() if len(pictures) <= 64 else pictures),
    ("at their places", lambda pictures, order: pictures.flatten(1).sort(dim=1).values.view(pictures.shape)),
    ("not a tensor of .*×784", lambda pictures, order: by_assignment(pictures, order).flatten(1)),
    ("not a tensor of 1×28×28", lambda pictures, order: by_assignment(pictures, order)[0]),
    ("at their places", lambda pictures, order: torch.zeros_like(pictures)),
    ("stopped with IndexError", lambda pictures, order: pictures[:, order]),
    ("changes the Tensor", in_place),
    ("at their places", lambda pictures, order: by_assignment(pictures, order).round()),
)
