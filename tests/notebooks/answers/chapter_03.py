# ruff: noqa: F821
import math

import numpy as np


def one_image_after_the_other(logits, labels):
    losses = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        highest = max(row)
        losses.append(math.log(sum(math.exp(value - highest) for value in row)) - (row[label] - highest))
    return sum(losses) / len(losses)


def of_numpy(logits, labels):
    values = np.asarray(logits, dtype=np.float64)
    values = values - values.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(values)), labels.numpy()])


def one_hot(logits, labels):
    return -(F.one_hot(labels, logits.shape[1]) * logits.double().log_softmax(dim=1)).sum() / len(labels)


right(
    "3.1",
    one_image_after_the_other,
    of_numpy,
    one_hot,
    lambda logits, labels: F.cross_entropy(logits, labels),
    lambda logits, labels: F.nll_loss(logits.log_softmax(dim=1), labels).item(),
    lambda logits, labels: (logits.logsumexp(dim=1) - logits.gather(1, labels[:, None])[:, 0]).mean(),
    lambda logits, labels: (logits.double().logsumexp(1) - logits[torch.arange(len(labels)), labels]).mean()[None],
)


def picked(values, labels):
    return values[torch.arange(len(labels)), labels]


def shifting_in_place(logits, labels):
    logits -= logits.max(dim=1, keepdim=True).values
    return F.cross_entropy(logits, labels)


wrong(
    "3.1",
    ("sum over the images", lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum")),
    ("one number, not a tensor of 6", lambda logits, labels: F.cross_entropy(logits, labels, reduction="none")),
    ("sign is wrong", lambda logits, labels: -F.cross_entropy(logits, labels)),
    ("dim=1", lambda logits, labels: -picked(logits.softmax(dim=0).log(), labels).mean()),
    ("only one: name its row", lambda logits, labels: (logits.logsumexp(1)[:, None] - logits[:, labels]).mean()),
    ("base of 2", lambda logits, labels: -picked(logits.softmax(dim=1).log2(), labels).mean()),
    ("base of 10", lambda logits, labels: -picked(logits.softmax(dim=1).log10(), labels).mean()),
    ("exp became infinite", lambda logits, labels: (logits.exp().sum(dim=1).log() - picked(logits, labels)).mean()),
    ("log got a 0", lambda logits, labels: -picked(logits.softmax(dim=1).log(), labels).mean()),
    ("mean loss should be", lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum") / logits.numel()),
    ("mean loss should be", lambda logits, labels: -picked(logits.softmax(dim=1), labels).mean().log()),
    ("mean loss should be", lambda logits, labels: logits.logsumexp(dim=1).mean()),
    ("mean loss should be", lambda logits, labels: F.cross_entropy(logits, labels * 0)),
    ("mean loss should be|sign", lambda logits, labels: 1.5298),
    ("For large logits the loss should be", lambda logits, labels: F.cross_entropy(logits.clamp(-90, 90), labels)),
    (
        "exp became infinite|large",
        lambda logits, labels: (
            (logits - logits.max()).exp().sum(dim=1).log() - picked(logits - logits.max(), labels)
        ).mean(),
    ),
    ("stopped with TypeError", lambda logits, labels: logits - logits.max(dim=1)),
    ("changes the Tensor", shifting_in_place),
)


def of_data(parameters, learning_rate):
    for parameter in parameters:
        parameter.data = parameter.data - learning_rate * parameter.grad
        parameter.grad = None


@torch.no_grad()
def in_place(parameters, learning_rate):
    for parameter in parameters:
        parameter.sub_(learning_rate * parameter.grad)
    for parameter in parameters:
        parameter.grad = None


@torch.no_grad()
def by_slices(parameters, learning_rate):
    for parameter in parameters:
        parameter[...] = parameter - parameter.grad * learning_rate
        parameter.grad = None


def by_torch(parameters, learning_rate):
    optimizer = torch.optim.SGD(parameters, lr=learning_rate)
    optimizer.step()
    optimizer.zero_grad()


def by_numpy(parameters, learning_rate):
    for parameter in parameters:
        parameter.detach().numpy()[...] -= learning_rate * parameter.grad.numpy()
        parameter.grad = None
    return parameters


right(
    "3.2",
    of_data,
    in_place,
    by_slices,
    by_torch,
    by_numpy,
    lambda parameters, learning_rate: of_data(parameters, learning_rate),
)


def each(step, clear=True, of=lambda parameters: parameters):
    @torch.no_grad()
    def sgd_step(parameters, learning_rate):
        for parameter in of(parameters):
            step(parameter, learning_rate)
            if clear:
                parameter.grad = None

    return sgd_step


def not_in_place(parameters, learning_rate):
    for parameter in parameters:
        parameter = parameter - learning_rate * parameter.grad
        parameter.grad = None


def tracked(parameters, learning_rate):
    for parameter in parameters:
        parameter -= learning_rate * parameter.grad


def frozen(parameters, learning_rate):
    for parameter in parameters:
        parameter.requires_grad = False
        parameter -= learning_rate * parameter.grad
        parameter.grad = None


def zeroed(parameter, learning_rate):
    parameter -= learning_rate * parameter.grad
    parameter.grad.zero_()


def descend(parameter, learning_rate):
    parameter -= learning_rate * parameter.grad


wrong(
    "3.2",
    ("Not done yet: the parameters are as before", not_in_place),
    ("Not done yet", each(lambda parameter, learning_rate: None)),
    ("up the gradient", each(lambda parameter, learning_rate: parameter.add_(learning_rate * parameter.grad))),
    ("learning rate that you are given", each(lambda parameter, learning_rate: parameter.sub_(parameter.grad))),
    ("with learning rate 0.03", each(lambda parameter, learning_rate: parameter.sub_(0.1 * parameter.grad))),
    ("Step 1: new = old", each(lambda parameter, learning_rate: parameter.copy_(learning_rate * parameter.grad))),
    ("Step 1: new = old", each(lambda parameter, learning_rate: parameter.sub_(learning_rate * parameter.grad.sign()))),
    ("bias is not: step all", each(descend, of=lambda parameters: parameters[:1])),
    ("Step 1: new|Not done yet", each(descend, of=lambda parameters: parameters[1:])),
    ("Set it to None", each(descend, clear=False)),
    ("zeros now", each(zeroed, clear=False)),
    ("requires_grad is False", frozen),
    ("stopped with RuntimeError: a leaf Variable.*parameter -= learning_rate", tracked),
)


def layers(hidden, between=lambda: [], last=lambda: [], pool=torch.nn.MaxPool2d, act=torch.nn.ReLU, bias=True):
    return [
        nn.Conv2d(1, 32, 3),
        act(),
        pool(2),
        nn.Conv2d(32, 64, 3),
        act(),
        pool(2),
        nn.Flatten(),
        *between(),
        nn.Linear(1600, hidden, bias=bias),
        act(),
        nn.Linear(hidden, 10),
        *last(),
    ]


def nested(hidden):
    every = layers(hidden)
    return nn.Sequential(nn.Sequential(*every[:6]), nn.Sequential(*every[6:]))


def pool_first(hidden):
    every = layers(hidden)
    return nn.Sequential(every[0], every[2], every[1], every[3], every[5], every[4], *every[6:])


def step_by_step(hidden):
    network = nn.Sequential()
    for number, layer in enumerate(layers(hidden)):
        network.add_module(f"layer{number}", layer)
    return network


def relu_after_flatten(hidden):
    every = layers(hidden)
    return nn.Sequential(*every[:4], every[5], every[6], every[4], *every[7:])


def one_relu(hidden):
    relu, pool = nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*layers(hidden, act=lambda: relu, pool=lambda size: pool))


class Row(nn.Module):
    def forward(self, maps):
        return maps.reshape(len(maps), -1)


right(
    "3.3",
    one_relu,
    lambda hidden: nn.Sequential(*layers(hidden)[:6], Row(), *layers(hidden)[7:]),
    lambda hidden: nn.Sequential(*layers(hidden, last=lambda: [nn.Flatten()])),
    nested,
    pool_first,
    step_by_step,
    relu_after_flatten,
    lambda hidden: nn.Sequential(*layers(hidden, between=lambda: [nn.ReLU()])),
    lambda hidden: nn.Sequential(*layers(hidden, last=lambda: [nn.Identity()])),
    lambda hidden: nn.Sequential(*layers(hidden, pool=lambda size: nn.MaxPool2d(kernel_size=size, stride=2))),
)


def without(*places):
    return lambda hidden: nn.Sequential(*(layer for place, layer in enumerate(layers(hidden)) if place not in places))


wrong(
    "3.3",
    ("nn.Flatten", without(6)),
    ("2 ReLUs", without(1)),
    ("2 ReLUs", without(4)),
    ("2 ReLUs", without(8)),
    ("stops with RuntimeError: mat1 and mat2", without(5)),
    ("MaxPool2d; yours has AvgPool2d", lambda hidden: nn.Sequential(*layers(hidden, pool=nn.AvgPool2d))),
    ("0 ReLUs", lambda hidden: nn.Sequential(*layers(hidden, act=nn.Tanh))),
    ("nothing after the last", lambda hidden: nn.Sequential(*layers(hidden, last=lambda: [nn.Softmax(dim=1)]))),
    ("nothing after the last", lambda hidden: nn.Sequential(*layers(hidden, last=lambda: [nn.ReLU()]))),
    ("other logits", lambda hidden: nn.Sequential(*layers(hidden, between=lambda: [nn.Dropout(0.5)]))),
    ("other logits", lambda hidden: nn.Sequential(nn.Identity(), *layers(hidden, between=lambda: [nn.Tanh()]))),
    ("With 17 in the middle", lambda hidden: nn.Sequential(*layers(64))),
    ("With 64 in the middle.*not", lambda hidden: nn.Sequential(*layers(hidden, bias=False))),
    ("not a FirstConvNet", lambda hidden: FirstConvNet()),
    ("not a type", lambda hidden: nn.Sequential),
    ("not a list", layers),
    ("takes no input of 3×1×28×28", lambda hidden: nn.Sequential(nn.Flatten(), *layers(hidden))),
)

right(
    "3.b",
    lambda probabilities, label: -torch.log(probabilities[label]),
    lambda probabilities, label: -math.log(float(probabilities[label])),
    lambda probabilities, label: np.log(1 / probabilities.numpy()[label]),
    lambda probabilities, label: F.nll_loss(probabilities.log()[None], torch.tensor([label])),
    lambda probabilities, label: (1 / probabilities[label].double()).log().item(),
)
wrong(
    "3.b",
    ("minus the logarithm", lambda probabilities, label: probabilities[label].log()),
    ("that is the probability", lambda probabilities, label: probabilities[label]),
    ("the others don't count", lambda probabilities, label: -probabilities.log().sum()),
    ("natural logarithm", lambda probabilities, label: -probabilities[label].log10()),
    ("natural logarithm", lambda probabilities, label: -probabilities[label].log2()),
    ("it should be", lambda probabilities, label: 1 - probabilities[label]),
    ("it should be", lambda probabilities, label: -probabilities[label - 1].log()),
    ("it should be", lambda probabilities, label: -(1 - probabilities[label]).log() + 0.001),
    ("it should be", lambda probabilities, label: F.cross_entropy(probabilities[None], torch.tensor([label]))),
    ("one number", lambda probabilities, label: -probabilities.log()),
)

right(
    "3.c",
    lambda size, times: size if times == 0 else pooled_size(size, times),
    lambda size, times: shape_by_layers(size, times),
    lambda size, times: float(pooled_size(size, times)),
    lambda size, times: torch.tensor(pooled_size(size, times)),
    lambda size, times: (size + 2) // 2**times - 2 if (size + 2) % 2**times == 0 else pooled_size(size, times),
)


def pooled_size(size, times):
    return size if times == 0 else pooled_size(math.floor((size - 2) / 2), times - 1)


def shape_by_layers(size, times):
    x = torch.zeros(1, 1, size, size)
    for _ in range(times):
        x = F.max_pool2d(F.conv2d(x, torch.zeros(1, 1, 3, 3)), 2)
    return x.shape[-1]


def repeated(step):
    def found(size, times):
        for _ in range(times):
            size = step(size)
        return size

    return found


wrong(
    "3.c",
    ("rounds down", repeated(lambda size: (size - 2) / 2)),
    ("a pixel from each side", repeated(lambda size: size // 2)),
    ("first the convolution", repeated(lambda size: size // 2 - 2)),
    ("after one convolution", lambda size, times: (size - 2) // 2),
    ("it should be|rounds down", repeated(lambda size: (size - 1) // 2)),
    ("it should be", repeated(lambda size: size - 2)),
    ("it should be|rounds down", repeated(lambda size: -(-(size - 2) // 2))),
    ("it should be", lambda size, times: (size - 2 * times) // 2),
    ("it should be", repeated(lambda size: size // 2 + 1)),
    ("one number", lambda size, times: (size, size)),
)

right(
    "3.d",
    lambda certainty, right, limit: right[certainty > limit].double().mean(),
    lambda certainty, right, limit: (right & (certainty > limit)).sum() / (certainty > limit).sum(),
    lambda certainty, right, limit: right.numpy()[certainty.numpy() > limit].mean(),
    lambda certainty, right, limit: (
        sum(r for c, r in zip(certainty.tolist(), right.tolist(), strict=True) if c > limit)
        / sum(c > limit for c in certainty.tolist())
    ),
    lambda certainty, right, limit: 1 - (~right[certainty > limit]).float().mean().item(),
)
wrong(
    "3.d",
    ("share of all images", lambda certainty, right, limit: (right & (certainty > limit)).float().mean()),
    ("number of images", lambda certainty, right, limit: (right & (certainty > limit)).sum()),
    ("images above the limit", lambda certainty, right, limit: (certainty > limit).float().mean()),
    ("below", lambda certainty, right, limit: right[certainty <= limit].float().mean()),
    ("share of wrong ones", lambda certainty, right, limit: (~right[certainty > limit]).float().mean()),
    ("should be", lambda certainty, right, limit: right.float().mean()),
    ("should be", lambda certainty, right, limit: certainty[certainty > limit].mean()),
    ("should be", lambda certainty, right, limit: 100 * right[certainty > limit].float().mean()),
    ("should be", lambda certainty, right, limit: certainty[right].mean()),
    ("one number", lambda certainty, right, limit: right[certainty > limit]),
)

equal("3.d", "a certainty that is exactly the limit does not occur", "return right[certainty >= limit].float().mean()")

right(
    "3.a",
    lambda digit, answers, labels: (answers == labels)[labels == digit].double().mean(),
    lambda digit, answers, labels: int(((answers == digit) & (labels == digit)).sum()) / int((labels == digit).sum()),
    lambda digit, answers, labels: np.mean(answers.numpy()[labels.numpy() == digit] == digit),
    lambda digit, answers, labels: np.mean([a == b for a, b in zip(answers, labels, strict=True) if b == digit]),
    lambda digit, answers, labels: 1 - (answers[labels == digit] != digit).float().mean(),
    lambda digit, answers, labels: (
        torch.bincount(answers[labels == digit], minlength=10)[digit] / (labels == digit).sum()
    ),
)
wrong(
    "3.a",
    ("number of images", lambda digit, answers, labels: ((answers == digit) & (labels == digit)).sum()),
    ("not by all images", lambda digit, answers, labels: ((answers == digit) & (labels == digit)).float().mean()),
    ("label", lambda digit, answers, labels: (labels[answers == digit] == digit).float().mean()),
    ("over all digits", lambda digit, answers, labels: (answers == labels).float().mean()),
    ("wrong answers", lambda digit, answers, labels: (answers[labels == digit] != digit).float().mean()),
    ("per cent", lambda digit, answers, labels: 100 * (answers[labels == digit] == digit).float().mean()),
    ("should be|not by all", lambda digit, answers, labels: (answers == digit).float().mean()),
    ("should be|not by all", lambda digit, answers, labels: (labels == digit).float().mean()),
    ("should be", lambda digit, answers, labels: (answers == digit).sum() / (labels == digit).sum() / 2),
    ("should be|wrong answers", lambda digit, answers, labels: 0.0),
    ("one number", lambda digit, answers, labels: answers[labels == digit] == digit),
)


def narrowed(part=1, times=100, sign=1, shift=0, order=1, wide_only=False):
    """Differences with one mistake."""

    def answer(learn, narrow, wide, seeds):
        first = wide if wide_only else narrow
        return [sign * times * (learn(first, s)[part] - learn(wide, s + shift)[part]) for s in seeds[::order]]

    return answer


def with_arrays(learn, narrow, wide, seeds):
    table = np.array([[learn(hidden, seed) for seed in seeds] for hidden in (narrow, wide)])  # 2×seeds×2
    return 100 * (table[0, :, 1] - table[1, :, 1])


def with_tensors_of(learn, narrow, wide, seeds):
    small = torch.tensor([learn(narrow, seed)[1] for seed in seeds], dtype=torch.float64)
    large = torch.tensor([learn(wide, seed)[1] for seed in seeds], dtype=torch.float64)
    return (small - large) * 100


def one_by_one(learn, narrow, wide, seeds):
    found = []
    for seed in seeds:
        _, large = learn(wide, seed)
        _, small = learn(narrow, seed)
        found += [small * 100 - large * 100]
    return tuple(found)


right(
    "3.4",
    narrowed(),
    with_arrays,
    with_tensors_of,
    one_by_one,
    lambda learn, narrow, wide, seeds: [
        torch.tensor(100 * (learn(hidden=narrow, seed=s)[1] - learn(hidden=wide, seed=s)[1])) for s in seeds
    ],
)
wrong(
    "3.4",
    ("other way round", narrowed(sign=-1)),
    ("percentage points", narrowed(times=1)),
    ("training accuracies", narrowed(part=0)),
    ("and no other", narrowed(shift=1)),
    ("in this order", narrowed(order=-1)),
    ("nothing else", narrowed(wide_only=True)),
    ("nothing else", lambda learn, narrow, wide, seeds: [100 * (learn(64, s)[1] - learn(128, s)[1]) for s in seeds]),
    ("and no other", lambda learn, narrow, wide, seeds: 3 * [100 * (learn(narrow, 0)[1] - learn(wide, 0)[1])]),
    ("list of differences", lambda learn, narrow, wide, seeds: float(np.mean(narrowed()(learn, narrow, wide, seeds)))),
    ("returns nothing", lambda learn, narrow, wide, seeds: None),
    ("nothing else", lambda learn, narrow, wide, seeds: [100 * learn(narrow, s)[1] for s in seeds]),
    ("in this order", lambda learn, narrow, wide, seeds: [
        100 * (learn(narrow, s)[1] / learn(wide, s)[1] - 1) for s in seeds
    ]),
    ("in this order", lambda learn, narrow, wide, seeds: [
        100 * (learn(narrow, s)[1] - sum(learn(wide, t)[1] for t in seeds) / len(seeds)) for s in seeds
    ]),
)  # fmt: skip
