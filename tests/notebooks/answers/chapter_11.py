# ruff: noqa: F821
import numpy as np


def class_by_class(matrix):
    recalls, precisions = [], []
    for number in range(len(matrix)):
        right = matrix[number, number].item()
        recalls.append(right / matrix[number].sum().item())
        precisions.append(right / matrix[:, number].sum().item())
    return recalls, precisions


def of_numpy(matrix):
    counts = matrix.numpy()
    return np.diag(counts) / counts.sum(axis=1), np.diag(counts) / counts.sum(axis=0)


def of_images(matrix):
    labels, answers = (
        torch.repeat_interleave(part, matrix.flatten())
        for part in torch.cartesian_prod(*[torch.arange(len(matrix))] * 2).T
    )
    right = labels == answers
    classes = range(len(matrix))
    return [right[labels == c].double().mean() for c in classes], [right[answers == c].double().mean() for c in classes]


right(
    "11.1",
    class_by_class,
    of_numpy,
    of_images,
    lambda matrix: torch.stack([matrix.diag() / matrix.sum(1), matrix.diag() / matrix.sum(0)]),
    lambda matrix: [(matrix.double() / matrix.sum(dim, keepdim=True)).diag() for dim in (1, 0)],
    lambda matrix: (
        matrix.trace() * 0 + matrix.diagonal().float().div(matrix.sum(-1)),
        matrix.T.diagonal() / matrix.T.sum(-1),
    ),
)
wrong(
    "11.1",
    ("other order", lambda matrix: class_by_class(matrix)[::-1]),
    ("not per cent", lambda matrix: (100 * matrix.diag() / matrix.sum(1), 100 * matrix.diag() / matrix.sum(0))),
    ("number of all images", lambda matrix: (matrix.diag() / matrix.sum(), matrix.diag() / matrix.sum())),
    ("sum of a column", lambda matrix: (matrix.diag() / matrix.sum(1), matrix.diag() / matrix.sum(1))),
    ("sum of a row", lambda matrix: (matrix.diag() / matrix.sum(0), matrix.diag() / matrix.sum(0))),
    ("sum of a row", lambda matrix: (matrix.diag() / (matrix.sum(1) - matrix.diag()), matrix.diag() / matrix.sum(0))),
    ("sum of a row", lambda matrix: (matrix.max(1).values / matrix.sum(1) * 0, matrix.diag() / matrix.sum(0))),
    ("sum of a row", lambda matrix: (matrix.diag() // matrix.sum(1), matrix.diag() // matrix.sum(0))),
    ("two values, .*not a tensor of 3", lambda matrix: matrix.diag() / matrix.sum(1)),
    ("two values, .*not a float", lambda matrix: (matrix.trace() / matrix.sum()).item()),
    (
        "The recall, a value for each class, should be 3, not a tensor of 3×3",
        lambda matrix: (matrix / matrix.sum(1), matrix / matrix.sum(0)),
    ),
    ("should be 3", lambda matrix: (0.8, 0.9)),
    ("should be 5", lambda matrix: class_by_class(torch.tensor([[8, 2, 0], [1, 9, 0], [3, 0, 27]]))),
    ("sum of a row", lambda matrix: ((matrix / matrix.sum(0)).sum(0), matrix.diag() / matrix.sum(0))),
    ("changes the Tensor", lambda matrix: (matrix.fill_diagonal_(1), 0)),
    ("stopped with AttributeError", lambda matrix: matrix.diagonal().over(1)),
)


def middle(requires_grad=False):
    return torch.full((1, 1, 14, 14), (black + white) / 2, device=device, requires_grad=requires_grad)


def with_adam(layers, number, steps=100, lr=0.5):
    patch = middle(requires_grad=True)
    optimizer = torch.optim.Adam([patch], lr=0.1, maximize=True)
    for _ in range(steps):
        optimizer.zero_grad()
        layers(patch)[0, number].sum().backward()
        optimizer.step()
        with torch.no_grad():
            patch.clamp_(black, white)
    return patch


def with_the_sign(layers, number, steps=100, lr=0.5):
    patch = middle()
    for _ in range(steps):
        patch = patch.detach().requires_grad_()
        gradient = torch.autograd.grad(layers(patch)[0, number].sum(), patch)[0]
        patch = torch.clamp(patch + 0.1 * gradient.sign(), black, white)
    return patch


def with_sgd(layers, number, steps=100, lr=0.5):
    patch = middle(requires_grad=True)
    optimizer = torch.optim.SGD([patch], lr=lr, maximize=True)
    for _ in range(steps):
        optimizer.zero_grad()
        layers(patch)[0, number, 0, 0].backward()
        patch.grad /= patch.grad.norm().clamp(min=1e-9)
        optimizer.step()
        patch.data = patch.data.clamp(black, white)
    return patch.detach().numpy()


def with_minus_the_loss(layers, number, steps=100, lr=0.5):
    patch = middle()
    for _ in range(2 * steps):
        patch = patch.detach().requires_grad_()
        loss = -layers(patch)[0, number].sum()
        [gradient] = torch.autograd.grad(loss, patch)
        patch = (patch - lr * gradient / (gradient.norm() + 1e-9)).clamp(black, white)
    return patch.double()


def of_a_little_noise(layers, number, steps=100, lr=0.5):
    patch = (middle() + 0.01 * torch.randn(1, 1, 14, 14)).clamp(black, white)
    for _ in range(steps):
        patch = patch.detach().requires_grad_()
        [gradient] = torch.autograd.grad(layers(patch).flatten(1)[0, number], patch)
        patch = (patch + lr * gradient / gradient.norm().clamp(min=1e-9)).clamp(black, white)
    return patch


right("11.2", with_adam, with_the_sign, with_sgd, with_minus_the_loss, of_a_little_noise)


def climbing(start=middle, sign=1, clamp=lambda patch: patch.clamp(black, white), of=None, count=None):
    def best_patch(layers, number, steps=100, lr=0.5):
        patch = start()
        for _ in range(count or steps):
            patch = patch.detach().requires_grad_()
            [gradient] = torch.autograd.grad(layers(patch)[0, number if of is None else of].sum(), patch)
            patch = clamp(patch + sign * lr * gradient / gradient.norm().clamp(min=1e-9))
        return patch.detach()

    return best_patch


def without_clamp(layers, number, steps=100, lr=0.5):
    patch = middle()
    for _ in range(steps):
        patch = patch.detach().requires_grad_()
        [gradient] = torch.autograd.grad(layers(patch)[0, number].sum(), patch)
        patch = patch + lr * gradient / gradient.norm()
    return patch


wrong(
    "11.2",
    ("Let the answer of this filter grow|go up the gradient", climbing(sign=-1)),
    ("clamp them", climbing(clamp=lambda patch: patch)),
    ("clamp them", without_clamp),
    ("gives .*half-way|plain grey", climbing(clamp=lambda patch: patch.clamp(0, 1))),
    ("go up the gradient|should give more than", climbing(of=0)),
    ("should give more than|go up", climbing(count=2)),
    ("plain grey", lambda layers, number: middle()),
    ("half-way between", climbing(start=lambda: torch.full((1, 1, 14, 14), black + 0.3 * (white - black)))),
    ("plain grey.*half-way", climbing(start=lambda: torch.zeros(1, 1, 14, 14))),
    ("no number", lambda layers, number: middle() * float("nan")),
    ("should give more than|go up", lambda layers, number: torch.rand(1, 1, 14, 14) * (white - black) + black),
    ("1×1×14×14, not a tensor of 1×14×14", lambda layers, number: middle()[0]),
    ("1×1×14×14, not a tensor of 14×14", lambda layers, number: climbing()(layers, number)[0, 0]),
    (
        "stopped with RuntimeError.*grad",
        lambda layers, number: torch.autograd.grad(layers(middle())[0, number].sum(), middle()),
    ),
    ("should give more than|go up", lambda layers, number: climbing()(readers["LeNet-5"].features[:4], number)),
    ("from black to white|between black and white|clamp", lambda layers, number: climbing()(layers, number) * 10),
)


def place_by_place(model, image, label):
    before = predict(model, image[None])[0, label].item()
    fall = []
    for row in range(0, 25, 4):
        fall.append([])
        for column in range(0, 25, 4):
            copy_ = image.clone()
            copy_[:, row : row + 8, column : column + 8] = 0
            fall[-1].append(before - predict(model, copy_[None])[0, label].item())
    return fall


def with_softmax(model, image, label):
    result = np.zeros((7, 7))
    with torch.no_grad():
        for i in range(7):
            for j in range(7):
                mask = torch.ones(32, 32)
                mask[4 * i : 4 * i + 8, 4 * j : 4 * j + 8] = 0
                both = model(torch.stack([image, image * mask])).softmax(dim=1)[:, label]
                result[i, j] = both[0] - both[1]
    return result


def masks():
    rows = torch.arange(32)
    start = 4 * torch.arange(7)[:, None]
    inside = (rows >= start) & (rows < start + 8)  # 7×32
    return ~(inside[:, None, :, None] & inside[None, :, None, :]).view(49, 1, 32, 32)


def by_masks(model, image, label):
    after = predict(model, image * masks())[:, label]
    return (predict(model, image[None])[0, label] - after).reshape(7, 7).double()


right(
    "11.3",
    place_by_place,
    with_softmax,
    by_masks,
    lambda model, image, label: torch.stack([row for row in by_masks(model, image, label)]),
    lambda model, image, label: (
        -(predict(model, torch.where(masks(), image, 0.0))[:, label] - predict(model, image[None])[0, label]).unflatten(
            0, (7, 7)
        )
    ),
)


def hiding(mask=masks, value=0.0, ask=predict, sign=1, which=None, shape=(7, 7)):
    def occlusion(model, image, label):
        hidden = torch.where(mask(), image, torch.as_tensor(value))
        number = label if which is None else which(ask(model, image[None]))
        return sign * (ask(model, image[None])[0, number] - ask(model, hidden)[:, number]).reshape(shape)

    return occlusion


def cumulative(model, image, label):
    image = image.clone()
    before = predict(model, image[None])[0, label]
    result = torch.zeros(7, 7)
    for i in range(7):
        for j in range(7):
            image[:, 4 * i : 4 * i + 8, 4 * j : 4 * j + 8] = 0
            result[i, j] = before - predict(model, image[None])[0, label]
    return result


def in_place(model, image, label):
    image[:, :8, :8] = 0
    return cumulative(model, image, label)


def logits_of(model, images):
    with torch.no_grad():
        return model(images)


def squares(size, step=4, channel=None):
    def mask():
        start, places = step * torch.arange(7)[:, None], torch.arange(32)
        inside = (places >= start) & (places < start + size)
        outside = ~(inside[:, None, :, None] & inside[None, :, None, :]).view(49, 1, 32, 32)
        if channel is None:
            return outside
        every = torch.ones(49, 3, 32, 32, dtype=torch.bool)
        every[:, channel] = outside[:, 0]
        return every

    return mask


wrong(
    "11.3",
    ("on its side", lambda *given: by_masks(*given).T),
    ("must be positive", hiding(sign=-1)),
    ("label that you are given", hiding(which=lambda answers: answers[0].argmax())),
    ("label that you are given|wrong at", hiding(which=lambda answers: 0)),
    ("These are logits", hiding(ask=logits_of)),
    ("wrong at.*all channels", hiding(squares(8, channel=0))),
    ("all of the 8×8 pixels", hiding(squares(4))),
    ("all of the 8×8 pixels", hiding(squares(7))),
    ("Nothing falls", hiding(squares(8, step=3))),
    ("wrong at.*row 4i", hiding(squares(8, step=5))),
    ("wrong at.*fresh copy", cumulative),
    ("wrong at", hiding(value=0.5)),
    ("Nothing falls", hiding(mask=lambda: torch.ones(49, 1, 32, 32, dtype=torch.bool))),
    ("7×7, not a tensor of 49", hiding(shape=(49,))),
    ("7×7, not a tensor of 1×7×7", hiding(shape=(1, 7, 7))),
    ("changes the Tensor", in_place),
    ("wrong at", lambda *given: by_masks(*given).abs().clamp(max=0.1)),
    ("wrong at", lambda model, image, label: predict(model, image * masks())[:, label].view(7, 7)),
    ("stopped with", lambda model, image, label: predict(model, image)[label]),
)
