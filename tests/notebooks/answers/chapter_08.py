# ruff: noqa: F821
import numpy as np


def linspaces(step, steps, warm_up, max_lr):
    up = np.linspace(max_lr / warm_up, max_lr, warm_up)
    down = np.linspace(max_lr, 0, steps - warm_up + 2)
    return np.concatenate([up, down[1:-1]])[step]


def step_by_step(step, steps, warm_up, max_lr):
    rate = 0.0
    for number in range(step + 1):
        rate += max_lr / warm_up if number < warm_up else -max_lr / (steps - warm_up + 1)
    return rate


right(
    "8.1",
    linspaces,
    step_by_step,
    lambda step, steps, warm_up, max_lr: max_lr * min((step + 1) / warm_up, (steps - step) / (steps - warm_up + 1)),
    lambda step, steps, warm_up, max_lr: np.interp(step, [-1, warm_up - 1, steps], [0, max_lr, 0]),
    lambda step, steps, warm_up, max_lr: torch.tensor(linspaces(step, steps, warm_up, max_lr)),
    lambda step, steps, warm_up, max_lr: (
        torch.lerp(torch.tensor(max_lr), torch.tensor(0.0), (step - warm_up + 1) / (steps - warm_up + 1))
        if step >= warm_up
        else max_lr - max_lr / warm_up * (warm_up - 1 - step)
    ),
)


def schedule(up=None, down=None):
    up = up or (lambda step, steps, warm_up: (step + 1) / warm_up)
    down = down or (lambda step, steps, warm_up: (steps - step) / (steps - warm_up + 1))
    return lambda step, steps, warm_up, max_lr: max_lr * (up if step < warm_up else down)(step, steps, warm_up)


wrong(
    "8.1",
    ("rate of 0 in step 0", schedule(up=lambda step, steps, warm_up: step / warm_up)),
    ("step 0 should have", schedule(up=lambda step, steps, warm_up: (step + 1) / (warm_up + 1))),
    ("step 0 should have", schedule(up=lambda step, steps, warm_up: 1.0)),
    (
        "straight line, so step 1",
        schedule(
            up=lambda step, steps, warm_up: [0.25, 0.375, 0.375, 1.0][step] if warm_up == 4 else (step + 1) / warm_up
        ),
    ),
    (
        "straight line, so step 1",
        schedule(up=lambda step, steps, warm_up: (warm_up + (step**2 + step) * 1.0) / warm_up**2),
    ),
    ("must begin to fall", schedule(down=lambda step, steps, warm_up: (steps - step) / (steps - warm_up))),
    ("must begin to fall", schedule(down=lambda step, steps, warm_up: 1.0)),
    ("falls by equal amounts", schedule(down=lambda step, steps, warm_up: (steps - 1 - step) / (steps - warm_up))),
    (
        "falls by equal amounts",
        schedule(down=lambda step, steps, warm_up: 0.5 + 0.5 * (steps - step) / (steps - warm_up + 1)),
    ),
    (
        "falls by equal amounts",
        schedule(down=lambda step, steps, warm_up: ((steps - step) / (steps - warm_up + 1)) ** 2),
    ),
    ("steps=20, warm_up=5.*step 0", schedule(up=lambda step, steps, warm_up: (step + 1) / 4)),
    (
        "steps=20.*falls by equal|steps=20.*begin",
        schedule(down=lambda step, steps, warm_up: (10 - step) / (10 - warm_up + 1)),
    ),
    ("step 0 should have", lambda step, steps, warm_up, max_lr: schedule()(step, steps, warm_up, 1.0)),
    ("begin to fall", lambda step, steps, warm_up, max_lr: 0.2 * (step + 1)),
    ("step 0 should have", lambda step, steps, warm_up, max_lr: [0.1] * 10 and 0.1),
    ("one number, not a list", lambda step, steps, warm_up, max_lr: [0.1, 0.2]),
    ("stopped with ZeroDivisionError", schedule(down=lambda step, steps, warm_up: 1 / 0)),
    ("last step of the warm-up", schedule(up=lambda step, steps, warm_up: 1 / warm_up)),
    ("Not done yet", lambda step, steps, warm_up, max_lr: max_lr * (step + 1) / warm_up if step < warm_up else None),
)


def of(steps, **settings):
    def make(optimizer, images, batch_size, epochs, max_lr):
        named = {"max_lr": max_lr, "total_steps": steps(images, batch_size, epochs), **settings}
        return OneCycleLR(optimizer, **named)

    return make


def counting(optimizer, images, batch_size, epochs, max_lr):
    steps = 0
    for _ in range(epochs):
        steps += len(range(0, images, batch_size))
    return OneCycleLR(optimizer, max_lr, steps)


def of_loader(optimizer, images, batch_size, epochs, max_lr):
    loader = torch.utils.data.DataLoader(range(images), batch_size)
    return OneCycleLR(optimizer, max_lr=max_lr, epochs=epochs, steps_per_epoch=len(loader))


right(
    "8.2",
    counting,
    of_loader,
    of(lambda images, batch_size, epochs: epochs * -(-images // batch_size)),
    of(lambda images, batch_size, epochs: epochs * ((images + batch_size - 1) // batch_size)),
    of(lambda images, batch_size, epochs: int(epochs * np.ceil(images / batch_size))),
    of(lambda images, batch_size, epochs: epochs * math.ceil(images / batch_size), cycle_momentum=False),
    of(
        lambda images, batch_size, epochs: epochs * (images // batch_size + (images % batch_size > 0)),
        anneal_strategy="linear",
    ),
)


def right_steps(images, batch_size, epochs):
    return epochs * math.ceil(images / batch_size)


def at_a_fixed_rate(optimizer, images, batch_size, epochs, max_lr):
    return OneCycleLR(optimizer, max_lr=0.1, total_steps=right_steps(images, batch_size, epochs))


wrong(
    "8.2",
    ("not of epochs", of(lambda images, batch_size, epochs: epochs)),
    ("which is a step too", of(lambda images, batch_size, epochs: epochs * (images // batch_size))),
    ("nothing is left over", of(lambda images, batch_size, epochs: epochs * (images // batch_size + 1))),
    ("round up within an epoch", of(lambda images, batch_size, epochs: math.ceil(epochs * images / batch_size))),
    ("which is a step too|not 23", of(lambda images, batch_size, epochs: epochs * images // batch_size)),
    ("24 in 3 epochs, not 8", of(lambda images, batch_size, epochs: math.ceil(images / batch_size))),
    ("24 in 3 epochs, not 3000", of(lambda images, batch_size, epochs: images * epochs)),
    ("not 25", of(lambda images, batch_size, epochs: right_steps(images, batch_size, epochs) + 1)),
    ("40 in 5 epochs, not 24|epochs, not", of(lambda images, batch_size, epochs: 24)),
    ("highest rate must be max_lr, here 0.05", at_a_fixed_rate),
    (
        "highest rate must be max_lr, here 0.1, not",
        lambda optimizer, images, batch_size, epochs, max_lr: of(right_steps)(
            optimizer, images, batch_size, epochs, max_lr / 2
        ),
    ),
    ("OneCycleLR, not StepLR", lambda optimizer, images, batch_size, epochs, max_lr: StepLR(optimizer, 24)),
    ("for the optimizer that was given", lambda optimizer, *rest: counting(new_optimizer(0.1), *rest)),
    (
        "OneCycleLR, not int",
        lambda optimizer, images, batch_size, epochs, max_lr: right_steps(images, batch_size, epochs),
    ),
    ("stopped with ValueError", of(lambda images, batch_size, epochs: images * epochs / batch_size)),
    ("stopped with TypeError", lambda optimizer, images, batch_size, epochs, max_lr: OneCycleLR(optimizer)),
)


right(
    "8.a",
    lambda accuracies: sum(b < a for a, b in pairwise(accuracies)),
    lambda accuracies: len([1 for place in range(1, len(accuracies)) if accuracies[place] < accuracies[place - 1]]),
    lambda accuracies: int((np.diff(accuracies) < 0).sum()),
    lambda accuracies: (torch.tensor(accuracies).diff() < 0).sum(),
    lambda accuracies: np.count_nonzero(np.array(accuracies[1:]) < np.array(accuracies[:-1])),
    lambda accuracies: float(
        sum(1 for later, earlier in zip(accuracies[1:], accuracies, strict=False) if later < earlier)
    ),
)
wrong(
    "8.a",
    ("where it rises", lambda accuracies: sum(b > a for a, b in pairwise(accuracies))),
    ("equal accuracy counts", lambda accuracies: sum(b <= a for a, b in pairwise(accuracies))),
    ("best so far", lambda accuracies: sum(a < max(accuracies[: place + 1]) for place, a in enumerate(accuracies))),
    ("it should be|best so far", lambda accuracies: len(accuracies) - 1),
    ("it should be|best so far", lambda accuracies: sum(a < accuracies[0] for a in accuracies)),
    ("it should be", lambda accuracies: sum(a < accuracies[-1] for a in accuracies)),
    ("it should be", lambda accuracies: sum(b < a for a, b in pairwise(accuracies)) / len(accuracies)),
    ("it should be", lambda accuracies: min(b - a for a, b in pairwise([*accuracies, 1]))),
    ("one number", lambda accuracies: [b < a for a, b in pairwise([*accuracies, 1])]),
    ("it should be", lambda accuracies: int(any(b < a for a, b in pairwise(accuracies)))),
)

right(
    "8.b",
    lambda low, high, batches: (high / low) ** (1 / (batches - 1)),
    lambda low, high, batches: math.exp((math.log(high) - math.log(low)) / (batches - 1)),
    lambda low, high, batches: np.logspace(math.log10(low), math.log10(high), batches)[1] / low,
    lambda low, high, batches: torch.logspace(math.log10(low), math.log10(high), batches, dtype=torch.float64)[1] / low,
    lambda low, high, batches: 10 ** ((math.log10(high) - math.log10(low)) / (batches - 1)),
)
wrong(
    "8.b",
    ("one factor fewer", lambda low, high, batches: (high / low) ** (1 / batches)),
    ("a step to add", lambda low, high, batches: (high - low) / (batches - 1)),
    ("the whole way", lambda low, high, batches: high / low),
    ("should grow", lambda low, high, batches: (low / high) ** (1 / (batches - 1))),
    ("it should be", lambda low, high, batches: (high / low) ** (batches - 1)),
    ("it should be", lambda low, high, batches: high / low / (batches - 1)),
    ("it should be", lambda low, high, batches: (high / low) ** (1 / (batches + 1))),
    ("it should be", lambda low, high, batches: 1 + (high - low) / batches),
    ("it should be", lambda low, high, batches: (high / low) ** 0.5),
    ("one number", lambda low, high, batches: [low, high]),
    ("it should be", lambda low, high, batches: math.log(high / low) / (batches - 1)),
)

right(
    "8.c",
    lambda losses: len(losses) - 1 - losses.index(min(losses)),
    lambda losses: (
        losses[::-1].index(min(losses))
        if losses.count(min(losses)) == 1
        else len(losses) - 1 - losses.index(min(losses))
    ),
    lambda losses: len(losses) - 1 - int(np.argmin(losses)),
    lambda losses: torch.tensor(len(losses[losses.index(min(losses)) + 1 :])),
    lambda losses: np.array([len(losses) - 1 - np.argmin(np.array(losses))]),
    lambda losses: [wait for wait in range(len(losses)) if losses[len(losses) - 1 - wait] == min(losses)][-1],
)
wrong(
    "8.c",
    ("from the first epoch", lambda losses: losses.index(min(losses))),
    ("one less", lambda losses: len(losses) - losses.index(min(losses))),
    ("To equal the best", lambda losses: losses[::-1].index(min(losses))),
    ("highest loss", lambda losses: len(losses) - 1 - losses.index(max(losses))),
    ("how often it rose", lambda losses: sum(b > a for a, b in pairwise(losses))),
    ("it should be|how often", lambda losses: len(losses) - 2 - losses.index(min(losses))),
    ("it should be", lambda losses: losses.index(min(losses)) - len(losses) + 1),
    ("it should be", lambda losses: min(losses)),
    ("one number", lambda losses: losses[losses.index(min(losses)) :]),
    ("it should be", lambda losses: int(losses[-1] > min(losses))),
    ("it should be", lambda losses: 2 * len(losses)),
)

right(
    "8.d",
    lambda inputs, outputs, size: inputs * (size * size + outputs),
    lambda inputs, outputs, size: inputs * outputs + inputs * size**2,
    lambda inputs, outputs, size: (
        nn.Conv2d(inputs, inputs, size, groups=inputs, bias=False).weight.numel()
        + nn.Conv2d(inputs, outputs, 1, bias=False).weight.numel()
    ),
    lambda inputs, outputs, size: torch.tensor(inputs * size * size + inputs * outputs),
    lambda inputs, outputs, size: np.prod((inputs, size, size)) + np.prod((inputs, outputs)),
)
wrong(
    "8.d",
    ("undivided", lambda inputs, outputs, size: inputs * outputs * size**2),
    (r"each \*input\* map", lambda inputs, outputs, size: outputs * size**2 + inputs * outputs),
    ("only one of the two", lambda inputs, outputs, size: inputs * size**2),
    ("only one of the two", lambda inputs, outputs, size: inputs * outputs),
    ("a kernel has", lambda inputs, outputs, size: inputs * size + inputs * outputs),
    ("biases are counted", lambda inputs, outputs, size: inputs * size**2 + inputs * outputs + outputs),
    ("biases are counted", lambda inputs, outputs, size: inputs * size**2 + inputs * outputs + inputs + outputs),
    ("it should be", lambda inputs, outputs, size: inputs * size**2 * inputs * outputs),
    ("it should be", lambda inputs, outputs, size: size**2 + inputs * outputs),
    ("it should be", lambda inputs, outputs, size: inputs**2 * size**2 + inputs * outputs),
    ("one number", lambda inputs, outputs, size: [inputs * size**2, inputs * outputs]),
)


def decision(t=None, divisor=None, same_rule=lambda m: m > 0, swap=False, upper=True, ddof=1):
    def decided(differences, cost):
        values = np.array(differences)
        n = len(values)
        half = (t or t_975(n)) * values.std(ddof=ddof) / (divisor or n**0.5)
        if values.mean() - half > 0:
            return "keep"
        if upper and values.mean() + half < 0:
            return "drop"
        if cost == "same":
            return "keep" if same_rule(values.mean()) else "drop"
        return "keep" if (cost == "less") != swap else "drop"

    return decided


def with_scipy(differences, cost):
    from scipy import stats

    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    settled = "keep" if low > 0 else "drop" if high < 0 else None
    return settled or {"less": "keep", "more": "drop", "same": "keep" if np.mean(differences) > 0 else "drop"}[cost]


def with_torch(differences, cost):
    values = torch.tensor(differences, dtype=torch.float64)
    half = t_975(len(values)) * values.std() / math.sqrt(len(values))
    if (values.mean() - half) * (values.mean() + half) > 0:
        return "keep" if values.mean() > 0 else "drop"
    return "keep" if cost == "less" or (cost == "same" and values.mean() > 0) else "drop"


def by_loops(differences, cost):
    n = len(differences)
    middle = sum(differences) / n
    variance = sum((difference - middle) ** 2 for difference in differences) / (n - 1)
    half = t_975(n) * (variance / n) ** 0.5
    if abs(middle) > half:
        return "keep" if middle > 0 else "drop"
    return "keep" if {"less": 1, "more": -1, "same": middle}[cost] > 0 else "drop"


right(
    "8.3",
    decision(),
    with_scipy,
    with_torch,
    by_loops,
    lambda differences, cost: decision()(np.array(differences, dtype=np.float64), cost),
)
wrong(
    "8.3",
    ("contains 0", decision(t=1.96)),
    ("contains 0|interval lies", decision(divisor=1)),
    ("contains 0", decision(swap=True)),
    ("lies below 0", decision(upper=False)),
    ("contains 0", lambda differences, cost: "keep" if mean(differences) > 0 else "drop"),
    ("interval lies|contains 0", lambda differences, cost: "keep" if cost == "less" else "drop"),
    ("contains 0", lambda differences, cost: "keep" if min(differences) > -0.002 else "drop"),
    ("contains 0, costs are the same", decision(same_rule=lambda m: m < 0)),
    ("interval lies|contains 0", lambda differences, cost: "keep"),
    ("interval lies|contains 0", lambda differences, cost: "drop"),
    ("contains 0", decision(t=2.5)),
    ('"keep" or "drop"', lambda differences, cost: True),
    ('"keep" or "drop"', lambda differences, cost: "maybe"),
    ("lies above 0|contains 0", decision(t=12.7)),
    ("contains 0, costs are the same", decision(same_rule=lambda m: False)),
)


class Subclass(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = solution_network()

    def forward(self, images):
        return self.body(images)


def solution_network(last=10, widths=(10, 14, 16, 14, 10), ending=()):
    layers, before = [], 1
    for number, width in enumerate(widths):
        layers += [
            nn.Conv2d(before, width, 3 + 2 * (number == 0), stride=1 + (number == 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, last), *ending)


right(
    "8.4",
    lambda: DigitNet(),
    lambda: DigitNet(DigitNet.SKELETON),
    lambda: DigitNet(DigitNet.BEST, separable=True),
    lambda: solution_network(),
    lambda: Subclass(),
    lambda: nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 5), nn.ReLU(), nn.Conv2d(12, 8, 5), nn.ReLU(),
        nn.AvgPool2d(4), nn.Flatten(), nn.Linear(8, 10),
    ),
    lambda: solution_network(widths=(4, 8, 12, 12, 8)).double().float(),
)  # fmt: skip
wrong(
    "8.4",
    ("not fewer than 8,000", lambda: solution_network(widths=(16, 32, 32, 32, 16))),
    ("not 18", lambda: solution_network(widths=(10, 14, 16))),
    ("should give 5×10", lambda: solution_network(last=9)),
    ("softmax", lambda: solution_network(ending=(nn.Softmax(dim=1),))),
    ("should be a network", lambda: DigitNet),
    ("takes no input", lambda: nn.Linear(784, 10)),
    ("not 18|not fewer", lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10))),
    ("takes no input", lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.LazyLinear(10))),
    ("should give 5×10", lambda: nn.Sequential(*list(solution_network())[:-3])),
    ("not 18", lambda: nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 10))),
    ("should be a network", lambda: [nn.Conv2d(1, 8, 3)]),
    ("takes no input|not 18|5×10", lambda: nn.Sequential(nn.Conv2d(1, 10, 28))),
)


equal(
    "8.3",
    "an interval or a mean that ends at 0 exactly does not occur",
    "if middle - half >= 0:",
    "if middle + half <= 0:",
    "return 'keep' if middle >= 0 else 'drop'",
)
equal("8.4", "any network that meets the demands is right")
