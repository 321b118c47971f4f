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
    "11.a",
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
    "11.a",
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


right(
    "11.b",
    lambda output: (output == 0).double().mean(),
    lambda output: 1 - output.count_nonzero() / output.numel(),
    lambda output: (output == 0).sum().item() / output.numel(),
    lambda output: np.mean(output.numpy() == 0),
    lambda output: sum(value == 0 for value in output.flatten().tolist()) / len(output.flatten()),
    lambda output: torch.isclose(output, torch.zeros(()), atol=0).float().mean(),
)
wrong(
    "11.b",
    ("not the number of zeros", lambda output: (output == 0).sum()),
    ("not per cent", lambda output: 100 * (output == 0).float().mean()),
    ("what is not 0", lambda output: (output != 0).float().mean()),
    ("negative value is no 0", lambda output: (output <= 0).float().mean()),
    ("which is 0.375", lambda output: (output == 0).sum() / len(output)),
    ("which is 0.375|not 0", lambda output: (output == 0).float().std()),
    ("which is 0.375", lambda output: output.mean()),
    ("which is 0.375", lambda output: float((output == 0).any())),
    ("which is 0.5", lambda output: (output.round(decimals=1) == 0).float().mean()),
    ("should be one number, not a tensor", lambda output: (output == 0).float().mean(dim=0)),
    ("which is 0.375", lambda output: (output == 0).flatten()[0]),
    ("changes the Tensor", lambda output: output.zero_().mean()),
    ("stopped with RuntimeError", lambda output: (output == 0).mean()),
)


def map_by_map(heat):
    return [one[8:24, 8:24].sum().item() / one.sum().item() for one in heat]


def by_mask(heat):
    inside = torch.zeros(32, 32)
    inside[8:-8, 8:-8] = 1
    return (heat * inside).flatten(1).sum(dim=1) / heat.flatten(1).sum(dim=1)


right(
    "11.c",
    map_by_map,
    by_mask,
    lambda heat: heat[:, 8:-8, 8:-8].double().sum((1, 2)) / heat.double().sum((1, 2)),
    lambda heat: heat.numpy()[:, 8:24, 8:24].sum(axis=(1, 2)) / heat.numpy().sum(axis=(1, 2)),
    lambda heat: heat[:, 8:24, 8:24].mean(dim=(1, 2)) / heat.mean(dim=(1, 2)) / 4,
    lambda heat: (heat / heat.sum(dim=(1, 2), keepdim=True)).narrow(1, 8, 16).narrow(2, 8, 16).sum(dim=(1, 2)),
)
wrong(
    "11.c",
    ("not per cent", lambda heat: 100 * by_mask(heat)),
    ("by the heat of the whole map", lambda heat: heat[:, 8:24, 8:24].sum(dim=(1, 2))),
    ("not of all", lambda heat: heat[:, 8:24, 8:24].sum(dim=(1, 2)) / heat.sum()),
    ("Compare the sums", lambda heat: heat[:, 8:24, 8:24].mean(dim=(1, 2)) / heat.mean(dim=(1, 2))),
    ("outside the middle", lambda heat: 1 - by_mask(heat)),
    ("cut rows and columns", lambda heat: heat[:, 8:24].sum(dim=(1, 2)) / heat.sum(dim=(1, 2))),
    ("cut rows and columns", lambda heat: heat[:, :, 8:24].sum(dim=(1, 2)) / heat.sum(dim=(1, 2))),
    ("slice\\(8, 24\\)", lambda heat: heat[:, 8:23, 8:23].sum(dim=(1, 2)) / heat.sum(dim=(1, 2))),
    ("slice\\(8, 24\\)", lambda heat: heat[:, 7:23, 7:23].sum(dim=(1, 2)) / heat.sum(dim=(1, 2))),
    ("slice\\(8, 24\\)", lambda heat: heat[:, :16, :16].sum(dim=(1, 2)) / heat.sum(dim=(1, 2))),
    ("slice\\(8, 24\\)", lambda heat: (heat[:, 8:24, 8:24] > 0.5).float().mean(dim=(1, 2))),
    ("should be 6, not a tensor", lambda heat: heat[:, 8:24, 8:24].sum() / heat.sum()),
    ("should be 6, not a tensor of 6×16", lambda heat: heat[:, 8:24, 8:24].sum(dim=1) / heat[:, :, 8:24].sum(dim=1)),
)


def by_counting(network, images, colour, answer):
    """The deviation of values that are 1, 0 or -1, from their counts."""
    with_it, without = (read_photos(network, with_frame(images, c)) == answer for c in (colour, GREY))
    gained, lost, number = int((with_it & ~without).sum()), int((without & ~with_it).sum()), len(images)
    mean = (gained - lost) / number
    variance = ((gained + lost) / number - mean**2) * number / (number - 1)
    return 100 * mean, 196 * (variance / number) ** 0.5


def of_numpy_arrays(network, images, colour, answer):
    both = [(read_photos(network, with_frame(images, c)) == answer).numpy().astype(int) for c in (colour, GREY)]
    difference = 100.0 * (both[0] - both[1])
    return np.mean(difference), 1.96 * np.std(difference, ddof=1) / np.sqrt(len(difference))


def with_the_covariance(network, images, colour, answer):
    both = torch.stack([(read_photos(network, with_frame(images, c)) == answer).double() for c in (colour, GREY)])
    (a, b), (_, d) = torch.cov(both)
    return torch.stack([100 * (both[0] - both[1]).mean(), 196 * ((a + d - 2 * b) / both.shape[1]).sqrt()])


def without_the_correction(network, images, colour, answer):
    shares = [(read_photos(network, with_frame(images, c)) == answer).float() for c in (colour, GREY)]
    difference = shares[0] - shares[1]
    return 100 * (shares[0].mean() - shares[1].mean()), 196 * difference.std(correction=0) / len(images) ** 0.5


def image_by_image(network, images, colour, answer):
    differences = []
    for part in images.split(64):
        framed = read_photos(network, with_frame(part, colour)) == answer
        grey = read_photos(network, with_frame(part, GREY)) == answer
        differences += (framed.int() - grey.int()).tolist()
    mean = sum(differences) / len(differences)
    variance = sum((value - mean) ** 2 for value in differences) / (len(differences) - 1)
    return [100 * mean, 2 * 100 * (variance / len(differences)) ** 0.5]


right("11.1", by_counting, of_numpy_arrays, with_the_covariance, without_the_correction, image_by_image)


def measured(control=lambda images: with_frame(images, GREY), mean=None, half=None, scale=100, sign=1):
    """The solution with one thing that is not as it should be."""

    def effect(network, images, colour, answer):
        framed = (read_photos(network, with_frame(images, colour)) == answer).float()
        grey = (read_photos(network, control(images)) == answer).float()
        difference = framed - grey
        middle_ = difference.mean() if mean is None else mean(framed, grey)
        error = difference.std() / len(images) ** 0.5
        return sign * scale * middle_, (scale * 1.96 * error if half is None else half(framed, grey, error))

    return effect


def of_other_birds(network, images, colour, answer):
    return measured()(network, birds[:200], colour, answer)


def of_deer(network, images, colour, answer):
    return measured()(network, images, colour, valid.classes.index("cat"))


def of_one_network(network, images, colour, answer):
    return measured()(trained("cifarnet-batchnorm"), images, colour, answer)


def of_two_halves(network, images, colour, answer):
    """Half of the images get the one frame, the others the other."""
    framed = (read_photos(network, with_frame(images[::2], colour)) == answer).float()
    grey = (read_photos(network, with_frame(images[1::2], GREY)) == answer).float()
    return 100 * (framed.mean() - grey.mean()), 196 * ((framed.var() + grey.var()) / len(framed)) ** 0.5


wrong(
    "11.1",
    ("Compare with the grey frame", measured(control=lambda images: images)),
    ("sign is wrong", measured(sign=-1)),
    ("Give percentage points", measured(scale=1)),
    ("share with this frame", measured(mean=lambda framed, grey: framed.mean())),
    (
        "difference should be|share with this frame",
        measured(control=lambda images: with_frame(images, (1.3, 0.8, 0.9))),
    ),
    ("difference should be", of_other_birds),
    ("difference should be", of_deer),
    ("difference should be", of_one_network),
    ("difference should be", of_two_halves),
    ("difference should be|sign is wrong", measured(mean=lambda framed, grey: (framed - grey).abs().mean())),
    ("deviation of the differences", measured(half=lambda f, g, e: 196 * ((f.var() + g.var()) / len(f)).sqrt())),
    ("for a single image", measured(half=lambda f, g, e: 196 * (f - g).std())),
    ("standard error", measured(half=lambda f, g, e: 100 * e)),
    ("whole width", measured(half=lambda f, g, e: 392 * e)),
    ("percentage points too", measured(half=lambda f, g, e: 1.96 * e)),
    ("half width should be", measured(half=lambda f, g, e: 277.6 * e)),
    ("half width should be", measured(half=lambda f, g, e: 196 * f.std() / len(f) ** 0.5)),
    ("two values", lambda *given: measured()(*given)[0]),
    ("half width should be a number, .*not None", lambda *given: (measured()(*given)[0], None)),
    ("changes the Tensor", lambda network, images, colour, answer: (images.fill_(0), 0)),
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

equal(
    "11.2", "a tensor with one number is a number", "[gradient] = torch.autograd.grad(layers(patch)[0, number], patch)"
)
equal("11.2", "what is said is the default", "patch = torch.full((1, 1, 14, 14), (black + white) / 2)")
equal(
    "11.2",
    "of N×C×H×W, 2 and -2 are the same axis; [0] and [-1] of one image the same image",
    "[gradient] = torch.autograd.grad(layers(patch)[-1, number].sum(), patch)",
)
equal(
    "11.3",
    "of N×C×H×W, 2 and -2 are the same axis; [0] and [-1] of one image the same image",
    "before = predict(model, image[None])[-1, label]",
)
equal(
    "11.2",
    "another way up to a patch as good",
    "patch = torch.full((1, 1, 14, 14), (black + white) * 2, device=device)",
    "patch = torch.full((1, 1, 14, 14), (black - white) / 2, device=device)",
    "patch = torch.full((1, 1, 14, 14), (black + white) / 1, device=device)",
    "patch = (patch + lr * gradient / gradient.norm().clamp(min=1e-09)).clamp(black, white)",
    "patch = (patch + lr * gradient / gradient.norm()).detach().clamp(black, white)",
    "patch = (patch + lr * gradient / gradient.clamp(min=1e-09)).detach().clamp(black, white)",
    "patch = (patch + lr * gradient / gradient.norm().clamp(min=1.000000001)).detach().clamp(black, white)",
    "patch = (patch + lr * gradient / gradient.norm().clamp(min=-0.999999999)).detach().clamp(black, white)",
    "patch = (patch + lr * gradient / gradient.norm().clamp(min=2e-09)).detach().clamp(black, white)",
)
equal(
    "11.c",
    "a sum does not depend on the order of the axes",
    "return heat[:, 8:24, 8:24].sum(dim=(2, 1)) / heat.sum(dim=(1, 2))",
    "return heat[:, 8:24, 8:24].sum(dim=(1, 2)) / heat.sum(dim=(2, 1))",
)
