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
