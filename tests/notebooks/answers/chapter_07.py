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
