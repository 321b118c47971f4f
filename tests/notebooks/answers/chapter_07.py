# ruff: noqa: F821
import numpy as np


def square(matrix):
    return torch.cat([matrix, torch.tensor([[0.0, 0.0, 1.0]])])


def by_formula(matrix):
    (a, b, x), (c, d, y) = matrix.tolist()
    det = a * d - b * c
    return [[d / det, -b / det, (b * y - d * x) / det], [-c / det, a / det, (c * x - a * y) / det]]


def by_solving(matrix):
    turn = matrix[:, :2]
    return torch.linalg.solve(turn, torch.cat([torch.eye(2), -matrix[:, 2:]], dim=1))


def row_by_row(matrix):
    result = torch.zeros(2, 3, dtype=torch.float64)
    result[:, :2] = matrix[:, :2].double().inverse()
    for row in range(2):
        result[row, 2] = -sum(result[row, column] * matrix[column, 2] for column in range(2))
    return result


right(
    "7.1",
    by_formula,
    by_solving,
    row_by_row,
    lambda matrix: torch.linalg.inv(square(matrix))[:2],
    lambda matrix: np.linalg.inv(square(matrix).numpy().astype(float))[:2],
    lambda matrix: torch.linalg.pinv(square(matrix).double())[:2],
)


def of(turn, shift):
    def undo(matrix):
        inverse = torch.linalg.inv(matrix[:, :2])
        return torch.cat([turn(matrix[:, :2], inverse), shift(matrix[:, 2:], inverse)], dim=1)

    return undo


def in_place(matrix):
    matrix[:, 2] *= -1
    return matrix


wrong(
    "7.1",
    ("has to be turned back too", of(lambda turn, inverse: inverse, lambda shift, inverse: -shift)),
    ("sign is wrong", of(lambda turn, inverse: inverse, lambda shift, inverse: inverse @ shift)),
    ("turned back too", of(lambda turn, inverse: inverse, lambda shift, inverse: 0 * shift)),
    ("turned back too", of(lambda turn, inverse: inverse, lambda shift, inverse: -inverse.T @ shift)),
    ("still the one of the map", of(lambda turn, inverse: turn, lambda shift, inverse: -shift)),
    ("on its side", of(lambda turn, inverse: inverse.T, lambda shift, inverse: -inverse @ shift)),
    ("must be the inverse", of(lambda turn, inverse: turn.T, lambda shift, inverse: -turn_back(shift, inverse))),
    ("must be the inverse", of(lambda turn, inverse: -turn, lambda shift, inverse: -inverse @ shift)),
    ("must be the inverse", of(lambda turn, inverse: 1 / turn, lambda shift, inverse: -inverse @ shift)),
    ("must be the inverse", lambda matrix: affine_matrix(angle=-30, shift=(-3.0, 2.0), scale=2, shear=-10)),
    ("2×3, not a tensor of 3×3", lambda matrix: torch.linalg.inv(square(matrix))),
    ("2×3, not a tensor of 2×2", lambda matrix: torch.linalg.inv(matrix[:, :2])),
    ("stopped with .*inv", lambda matrix: torch.linalg.inv(matrix)),
    ("changes the Tensor", in_place),
    ("still the one of the map", lambda matrix: matrix.clone()),
)


def turn_back(shift, inverse):
    return inverse @ shift


def with_full(images, angle):
    number = len(images)
    return affine(
        images,
        angle=torch.full((number,), float(angle)),
        translate=torch.zeros(number, 2),
        scale=torch.ones(number),
        shear=torch.zeros(number),
    )


def one_by_one(images, angle):
    return torch.cat([with_full(images[number : number + 1], angle) for number in range(len(images))])


def twice_half(images, angle):
    return with_full(images, angle + 360)


def by_torchvision(images, angle):
    bilinear = torchvision.v2.InterpolationMode.BILINEAR
    return torchvision.v2.functional.rotate(images, -angle, interpolation=bilinear)


def by_random_affine(images, angle):
    from cnncourse.augment import random_affine

    return with_full(images, angle) if angle < 0 else with_full(images, angle) + 0 * random_affine(images)


right(
    "7.2",
    with_full,
    one_by_one,
    twice_half,
    by_torchvision,
    by_random_affine,
    lambda images, angle: with_full(images, angle).double(),
    lambda images, angle: list(with_full(images, angle)),
    lambda images, angle: with_full(images, angle).numpy() if angle == 90 else with_full(images, angle),
)


def turned(angle=lambda angle: angle, shift=0.0, scale=1.0, shear=0.0):
    def turn(images, given):
        ones = torch.ones(len(images))
        translate = torch.full((len(images), 2), shift)
        return affine(images, angle=angle(given) * ones, translate=translate, scale=scale * ones, shear=shear * ones)

    return turn


wrong(
    "7.2",
    ("counter-clockwise", turned(lambda angle: -angle)),
    ("not in radians", turned(math.radians)),
    ("not turned", lambda images, angle: images.clone()),
    ("not turned", turned(lambda angle: 0)),
    ("By 30°, the images differ", lambda images, angle: images.rot90(-1, (2, 3))),
    ("By 30°, the images differ", turned(lambda angle: 90)),
    ("counter-clockwise", lambda images, angle: images.rot90(1, (2, 3))),
    ("rot90\\(-1\\)", turned(shift=1.0)),
    ("rot90\\(-1\\)", turned(scale=0.9)),
    ("rot90\\(-1\\)", turned(shear=5.0)),
    (
        "By 30°",
        lambda images, angle: (
            images.rot90(-round(angle / 90), (2, 3)) if angle % 90 == 0 else with_full(images, angle + 3)
        ),
    ),
    ("By 180°", lambda images, angle: with_full(images, min(angle, 100))),
    ("counter-clockwise", lambda images, angle: with_full(images, abs(angle))),
    ("stopped with TypeError.*missing 3 required", lambda images, angle: affine(images, angle=angle)),
    ("3×1×9×9, not a tensor of 1×9×9", lambda images, angle: with_full(images, angle)[0]),
    ("stopped with|rot90", lambda images, angle: affine(images, angle=angle, translate=0, scale=1, shear=0)),
)

equal("7.2", "what is said is the default", "ones = torch.ones(len(images))", "shift = torch.zeros(len(images), 2)")
equal(
    "7.2",
    "times one and divided by one",
    "return affine(images, angle=angle / ones, translate=shift, scale=ones, shear=0 * ones)",
    "return affine(images, angle=angle * ones, translate=shift, scale=ones, shear=0 / ones)",
)

right(
    "7.a",
    lambda inputs, outputs, size: outputs * inputs * size * size,
    lambda inputs, outputs, size: nn.Conv2d(inputs, outputs, size, bias=False).weight.numel(),
    lambda inputs, outputs, size: torch.zeros(outputs, inputs, size, size).numel(),
    lambda inputs, outputs, size: math.prod((inputs, outputs, size, size)),
    lambda inputs, outputs, size: torch.tensor([inputs, outputs, size, size]).prod(),
)
wrong(
    "7.a",
    ("no biases", lambda inputs, outputs, size: outputs * inputs * size**2 + outputs),
    ("for each input channel", lambda inputs, outputs, size: inputs * outputs * size),
    ("for all input channels", lambda inputs, outputs, size: outputs * size**2),
    ("for all input channels", lambda inputs, outputs, size: (inputs + outputs) * size**2),
    ("that is one output", lambda inputs, outputs, size: inputs * size**2),
    ("it should be", lambda inputs, outputs, size: inputs * outputs),
    ("it should be", lambda inputs, outputs, size: inputs * outputs * size**3),
    ("it should be", lambda inputs, outputs, size: inputs**2 * size**2),
    ("it should be", lambda inputs, outputs, size: outputs * (inputs * size**2 + 2)),
    ("one number", lambda inputs, outputs, size: (outputs, inputs, size, size)),
)


def by_matrix(matrix, x, y):
    return matrix[:, :2] @ torch.tensor([x, y]) + matrix[:, 2]


right(
    "7.b",
    by_matrix,
    lambda matrix, x, y: tuple((matrix @ torch.tensor([x, y, 1.0])).tolist()),
    lambda matrix, x, y: matrix.numpy() @ [x, y, 1],
    lambda matrix, x, y: [row[0] * x + row[1] * y + row[2] for row in matrix],
    lambda matrix, x, y: (matrix.double() @ torch.tensor([[x], [y], [1]]).double()).flatten(),
)
wrong(
    "7.b",
    ("is missing", lambda matrix, x, y: matrix[:, :2] @ torch.tensor([x, y])),
    ("exchanged", lambda matrix, x, y: by_matrix(matrix, x, y).flip(0)),
    ("not a column", lambda matrix, x, y: matrix[:, :2].T @ torch.tensor([x, y]) + matrix[:, 2]),
    ("shift comes last", lambda matrix, x, y: matrix[:, :2] @ (torch.tensor([x, y]) + matrix[:, 2])),
    (
        "not to|not a column",
        lambda matrix, x, y: torch.linalg.inv(matrix[:, :2]) @ torch.tensor([x, y]) + 2 * matrix[:, 2],
    ),
    ("not to|is missing", lambda matrix, x, y: matrix[:, :2] @ torch.tensor([x, y]) - matrix[:, 2]),
    ("not to|is missing|exchanged", lambda matrix, x, y: (x, y)),
    ("not to|exchanged|not a column", lambda matrix, x, y: by_matrix(matrix, y, x)),
    ("two values|x should be", lambda matrix, x, y: matrix @ torch.tensor([[x], [y], [1.0]]).expand(3, 3)),
    ("two values", lambda matrix, x, y: 3.0),
)

right(
    "7.c",
    lambda mended, broken: (mended - broken, 2 * math.sqrt(mended + broken)),
    lambda mended, broken: [mended - broken, math.sqrt(4 * (mended + broken))],
    lambda mended, broken: torch.tensor([mended - broken, 2 * (mended + broken) ** 0.5]),
    lambda mended, broken: (np.int64(mended - broken), 2 * np.sqrt(mended + broken)),
    lambda mended, broken: (float(mended) - broken, 2 * math.hypot(mended**0.5, broken**0.5)),
)
wrong(
    "7.c",
    ("not the other way round", lambda mended, broken: (broken - mended, 2 * (mended + broken) ** 0.5)),
    ("twice it is asked", lambda mended, broken: (mended - broken, (mended + broken) ** 0.5)),
    ("luck adds up", lambda mended, broken: (mended - broken, 2 * abs(mended - broken) ** 0.5)),
    ("root is missing", lambda mended, broken: (mended - broken, 2 * (mended + broken))),
    ("sum of the roots", lambda mended, broken: (mended - broken, 2 * (mended**0.5 + broken**0.5))),
    ("difference is", lambda mended, broken: (mended + broken, 2 * (mended + broken) ** 0.5)),
    ("it should be", lambda mended, broken: (mended - broken, 1.96 * (mended + broken) ** 0.5)),
    ("it should be", lambda mended, broken: (mended - broken, 2 * mended**0.5)),
    ("two values", lambda mended, broken: mended - broken),
    ("difference is", lambda mended, broken: ((mended - broken) / (mended + broken), 2 * (mended + broken) ** 0.5)),
)

equal("7.b", "numbers in a tensor are numbers", "(a, b, right), (c, d, down) = matrix")


def turned(base=0, sign=1, shift=0, order=1, keys=None):
    """Differences with one mistake."""

    def answer(learn, angles, seeds):
        return {
            angle: [sign * (learn(angle, s) - learn(base, s + shift)) for s in seeds[::order]]
            for angle in (angles if keys is None else angles[:keys])
        }

    return answer


def turned_with_numpy(learn, angles, seeds):
    table = np.array([[learn(angle, seed) for seed in seeds] for angle in (0, *angles)])
    return dict(zip(angles, table[1:] - table[0], strict=True))


def turned_with_tensors(learn, angles, seeds):
    still = torch.tensor([learn(0, seed) for seed in seeds], dtype=torch.float64)
    return {angle: torch.tensor([learn(angle, s) for s in seeds], dtype=torch.float64) - still for angle in angles}


def turned_seed_by_seed(learn, angles, seeds):
    found = {angle: [] for angle in angles}
    for seed in seeds:
        still = learn(0, seed)
        for angle in reversed(angles):
            found[angle].append(learn(angle, seed) - still)
    return found


def unpaired(learn, angles, seeds):
    still = sum(learn(0, s) for s in seeds) / len(seeds)
    return {angle: [learn(angle, s) - still for s in seeds] for angle in angles}


right(
    "7.3",
    turned(),
    turned_with_numpy,
    turned_with_tensors,
    turned_seed_by_seed,
    lambda learn, angles, seeds: {
        a: tuple(learn(angle=a, seed=s) - learn(angle=0, seed=s) for s in seeds) for a in angles
    },
)
wrong(
    "7.3",
    ("not the other way", turned(sign=-1)),
    ("trained with each", turned(shift=1)),
    ("same seed", turned(order=-1)),
    ("should have the keys", turned(keys=1)),
    ("No training had an angle of 0", turned(base=10)),
    ("No training had an angle of 0", lambda learn, angles, seeds: {a: [learn(a, s) for s in seeds] for a in angles}),
    ("should be a dict", lambda learn, angles, seeds: list(turned()(learn, angles, seeds).values())),
    ("differences at", lambda learn, angles, seeds: {a: np.mean(v) for a, v in turned()(learn, angles, seeds).items()}),
    ("same seed", unpaired),
    ("trained with each", lambda learn, angles, seeds: turned()(learn, angles, [seeds[0]] * len(seeds))),
    ("same seed", lambda learn, angles, seeds: {
        a: [v / 100 for v in d] for a, d in turned()(learn, angles, seeds).items()
    }),
    ("returns nothing", lambda learn, angles, seeds: None),
)  # fmt: skip

equal(
    "7.3",
    "strict only guards against a slip",
    "return {angle: [learn(angle, s) - base for s, base in zip(seeds, still)] for angle in angles}",
    "return {angle: [learn(angle, s) - base for s, base in zip(seeds, still, strict=False)] for angle in angles}",
)
