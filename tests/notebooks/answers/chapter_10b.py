# ruff: noqa: F821
import numpy as np

right(
    "10b.a",
    lambda block, x: (block(x), x + block(x)),
    lambda block, x: [block(x), torch.add(block(x), x)],
    lambda block, x: torch.stack([block(x), block(x) + x]),
    lambda block, x: (block(x).detach().numpy(), block(x).detach().numpy() + x.numpy()),
    lambda block, x: (block(x).double(), block(x).double() + x.double()),
    lambda block, x: (block.forward(x), nn.Sequential(block)(x) + x),
)


def changes_x(block, x):
    found = block(x)
    x += found
    return found, x


wrong(
    "10b.a",
    ("First what the block gives", lambda block, x: (block(x) + x, block(x))),
    ("The first is x itself", lambda block, x: (x, block(x) + x)),
    ("the same as the first", lambda block, x: (block(x), block(x))),
    ("plus what the block gives", lambda block, x: (block(x), block(x) * x)),
    ("plus what the block gives", lambda block, x: (block(x), block(x) - x)),
    ("plus what the block gives", lambda block, x: (block(x), 2 * x)),
    ("plus what the block gives", lambda block, x: (block(x), x)),
    ("plus what the block gives", lambda block, x: (block(x), x + block(block(x)))),
    ("plus what the block gives", lambda block, x: (block(x), F.relu(block(x) + x))),
    ("nothing else", lambda block, x: (F.relu(block(x)), block(x) + x)),
    ("changes the Tensor", changes_x),
    ("two values|should be 2×3×4×4", lambda block, x: block(x) + x),
)

right(
    "10b.b",
    lambda training, validation: (
        "learns badly" if max(training, validation) < 70 else "over-fits" if training > validation + 10 else "fine"
    ),
    lambda training, validation: ("fine", "over-fits", "learns badly")[
        2 if training < 70 and validation < 70 else int(training - validation > 10)
    ],
    lambda training, validation: str(
        np.where(
            training < 70 and validation < 70, "learns badly", np.where(training - validation > 10, "over-fits", "fine")
        )
    ),
    lambda training, validation: (
        "over-fits"
        if training - validation > 10 and not (training < 70 and validation < 70)
        else "learns badly"
        if training < 70 and validation < 70
        else "fine"
    ),
    lambda training, validation: (
        "fine"
        if (training >= 70 or validation >= 70) and training - validation <= 10
        else "learns badly"
        if all(value < 70 for value in (training, validation))
        else "over-fits"
    ),
)
wrong(
    "10b.b",
    (
        "even training is below 70",
        lambda t, v: "over-fits" if t - v > 10 else "learns badly" if t < 70 and v < 70 else "fine",
    ),
    ("both are low", lambda t, v: "over-fits" if t - v > 10 else "fine"),
    ("a gap of 19", lambda t, v: "learns badly" if t < 70 and v < 70 else "fine"),
    (
        "only one of them|70 is not below 70",
        lambda t, v: "learns badly" if t < 70 or v < 70 else "over-fits" if t - v > 10 else "fine",
    ),
    ("exactly 10 points", lambda t, v: "learns badly" if t < 70 and v < 70 else "over-fits" if t - v >= 10 else "fine"),
    (
        "more than 10 points",
        lambda t, v: "learns badly" if t < 70 and v < 70 else "over-fits" if t - v > 15 else "fine",
    ),
    (
        "70 is not below 70",
        lambda t, v: "learns badly" if t <= 70 and v <= 70 else "over-fits" if t - v > 10 else "fine",
    ),
    (
        "is not below 70",
        lambda t, v: "learns badly" if v < 70 and t < 80 else "over-fits" if t - v > 10 else "fine",
    ),
    ("one of the three", lambda t, v: "overfits"),
    ("one of the three", lambda t, v: t > v),
    ("a gap of 19", lambda t, v: "learns badly" if t < 0.7 and v < 0.7 else "over-fits" if v - t > 10 else "fine"),
)

right(
    "10b.c",
    lambda factor, blocks: math.pow(factor, blocks),
    lambda factor, blocks: math.prod(factor for _ in range(blocks)),
    lambda factor, blocks: np.float64(factor) ** blocks,
    lambda factor, blocks: torch.full((blocks,), factor).prod(),
    lambda factor, blocks: math.exp(blocks * math.log(factor)),
    lambda factor, blocks: torch.tensor(factor) ** blocks,
)
wrong(
    "10b.c",
    ("multiplies what is there", lambda factor, blocks: factor * blocks),
    ("other way round|should be", lambda factor, blocks: blocks**factor),
    ("should be", lambda factor, blocks: factor ** (blocks - 1)),
    ("should be", lambda factor, blocks: factor ** (blocks + 1)),
    ("should be", lambda factor, blocks: 1 + factor * blocks),
    ("should be", lambda factor, blocks: (1 + factor) ** blocks),
    ("should be", lambda factor, blocks: factor),
    ("should be", lambda factor, blocks: sum(factor**k for k in range(blocks))),
    ("should be", lambda factor, blocks: round(factor**blocks, 2)),
    ("one number", lambda factor, blocks: [factor**k for k in range(blocks + 2)]),
)

right(
    "10b.1",
    lambda maps, layers, shortcut=None: torch.relu(layers(maps) + (shortcut(maps) if shortcut else maps)),
    lambda maps, layers, shortcut=None: (layers(maps) + (shortcut or nn.Identity())(maps)).clamp(min=0),
    lambda maps, layers, shortcut=None: nn.ReLU()(
        torch.add(layers(maps), maps if shortcut is None else shortcut(maps))
    ),
    lambda maps, layers, shortcut=None: np.maximum(
        (layers(maps) + (maps if shortcut is None else shortcut(maps))).detach().numpy(), 0
    ),
    lambda maps, layers, shortcut=None: F.relu((maps if shortcut is None else shortcut(maps)).double() + layers(maps)),
    lambda maps, layers, shortcut=None: F.relu(sum((layers(maps), maps if shortcut is None else shortcut(maps)))),
)


def around(maps, shortcut):
    return maps if shortcut is None else shortcut(maps)


wrong(
    "10b.1",
    ("The ReLU at the end is missing", lambda maps, layers, shortcut=None: layers(maps) + around(maps, shortcut)),
    ("nothing is added", lambda maps, layers, shortcut=None: F.relu(layers(maps))),
    ("after the sum", lambda maps, layers, shortcut=None: F.relu(layers(maps)) + F.relu(around(maps, shortcut))),
    ("after the sum", lambda maps, layers, shortcut=None: F.relu(layers(maps)) + around(maps, shortcut)),
    ("after the sum", lambda maps, layers, shortcut=None: layers(maps) + F.relu(around(maps, shortcut))),
    ("stopped with|you add the maps|You add the maps", lambda maps, layers, shortcut=None: F.relu(layers(maps) + maps)),
    (
        "You add the maps",
        lambda maps, layers, shortcut=None: F.relu(
            layers(maps) + (maps if layers(maps).shape == maps.shape else shortcut(maps))
        ),
    ),
    (
        "besides the shortcut|stopped with",
        lambda maps, layers, shortcut=None: F.relu(
            layers(maps) + around(maps, shortcut) + (maps if shortcut and layers(maps).shape == maps.shape else 0)
        ),
    ),
    ("should be ReLU|stopped", lambda maps, layers, shortcut=None: F.relu(layers(around(maps, shortcut)) + maps)),
    ("should be ReLU", lambda maps, layers, shortcut=None: F.relu(layers(maps) * around(maps, shortcut))),
    ("should be ReLU", lambda maps, layers, shortcut=None: F.relu(layers(maps) - around(maps, shortcut))),
    ("stopped with TypeError", lambda maps, layers, shortcut=None: F.relu(layers(maps) + shortcut(maps))),
)

right(
    "10b.2",
    lambda learn, blocks, seeds: [100 * (learn(Added, blocks, s)[1] - learn(Plain, blocks, s)[1]) for s in seeds],
    lambda learn, blocks, seeds: [
        100 * a[1] - 100 * p[1]
        for a, p in zip([learn(Added, blocks, s) for s in seeds], [learn(Plain, blocks, s) for s in seeds], strict=True)
    ],
    lambda learn, blocks, seeds: (
        100
        * (
            np.array([learn(Added, blocks, s)[1] for s in seeds])
            - np.array([learn(Plain, blocks, s)[1] for s in seeds])
        )
    ),
    lambda learn, blocks, seeds: (
        100
        * torch.tensor([[learn(kind, blocks, s) for s in seeds] for kind in (Added, Plain)])[..., 1]
        .diff(dim=0)[0]
        .neg()
    ),
    lambda learn, blocks, seeds: tuple(
        (learn(Added, blocks, seed=s)[-1] - learn(Plain, blocks, seed=s)[-1]) / 0.01 for s in seeds
    ),
)


def experiment(first="Added", second="Plain", which=1, times=100, other_seed=0, other_blocks=0):
    def found(learn, blocks, seeds):
        kinds = {"Added": Added, "Plain": Plain}
        return [
            times
            * (
                learn(kinds[first], blocks, seed)[which]
                - learn(kinds[second], blocks + other_blocks, seed + other_seed)[which]
            )
            for seed in seeds
        ]

    return found


wrong(
    "10b.2",
    ("not the other way round", experiment("Plain", "Added")),
    ("Judge on validation", experiment(which=0)),
    ("In percentage points", experiment(times=1)),
    ("both kinds", experiment("Added", "Added")),
    ("both kinds", lambda learn, blocks, seeds: [100 * learn(Added, blocks, seed)[1] for seed in seeds]),
    ("was trained with the seeds", experiment(other_seed=1)),
    ("should have .* blocks", experiment(other_blocks=1)),
    ("was trained with the seeds", lambda learn, blocks, seeds: experiment()(learn, blocks, [0] * len(seeds))),
    ("in the order of the seeds", lambda learn, blocks, seeds: experiment()(learn, blocks, seeds)[::-1]),
    (
        "of one seed",
        lambda learn, blocks, seeds: [
            100 * (a[1] - p[1])
            for a, p in zip(
                [learn(Added, blocks, s) for s in seeds],
                [learn(Plain, blocks, s) for s in reversed(seeds)],
                strict=True,
            )
        ],
    ),
    ("should be", lambda learn, blocks, seeds: np.mean(experiment()(learn, blocks, seeds))),
    ("In percentage points|of one seed", experiment(times=10)),
)
