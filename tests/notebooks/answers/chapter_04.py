# ruff: noqa: F821
import numpy as np


def by_running(side):
    return LeNet5().features(torch.zeros(1, 1, side, side)).shape[1:].numel()


def whole_halves(side):
    first = int((side - 4) / 2)
    second = int((first - 4) / 2)
    return 16 * second**2


right(
    "4.1",
    by_running,
    whole_halves,
    lambda side: 16 * ((side - 12) // 4) ** 2,
    lambda side: 16.0 * (((side - 4) // 2 - 4) // 2) ** 2,
    lambda side: torch.tensor(by_running(side)),
    lambda side: np.int64(whole_halves(side)),
)
wrong(
    "4.1",
    ("one map", lambda side: whole_halves(side) // 16),
    ("not 6", lambda side: 6 * whole_halves(side) // 16),
    ("side of a map", lambda side: (side - 12) // 4),
    ("rounds down", lambda side: 16 * (((side - 4) / 2 - 4) / 2) ** 2),
    ("16 maps of 4×4", lambda side: 400),
    ("should be 400", lambda side: 16 * ((side // 2 - 4) // 2) ** 2),
    ("4 pixels from the side", lambda side: 16 * (((side - 5) // 2 - 5) // 2) ** 2),
    ("4 pixels from the side", lambda side: 16 * (side // 4) ** 2),
    ("should be", lambda side: 16 * -((-(side - 12) // 4) ** 2)),
    ("one number, not a tuple", lambda side: (16, 5, 5)),
    ("one number, not a tensor of 1×16×5×5", lambda side: LeNet5().features(torch.zeros(1, 1, side, side))),
    ("stopped with TypeError", lambda side: 16 * side["x"]),
)


def ranks(logits, labels):
    return (logits > logits.gather(1, labels[:, None])).sum(dim=1)


def one_image_after_the_other(logits, labels, k):
    right = 0
    for row, label in zip(logits, labels, strict=True):
        right += int(label) in row.argsort(descending=True)[:k].tolist()
    return right / len(labels)


def of_numpy(logits, labels, k):
    best = np.argsort(-logits.numpy(), axis=1)[:, :k]
    return np.mean([label in row for row, label in zip(best, labels.numpy(), strict=True)])


def of_lists(logits, labels, k):
    pairs = zip(logits.tolist(), labels.tolist(), strict=True)
    return sum(sorted(row)[-k] <= row[label] for row, label in pairs) / len(labels)


right(
    "4.2",
    one_image_after_the_other,
    of_numpy,
    of_lists,
    lambda logits, labels, k: (ranks(logits, labels) < k).float().mean(),
    lambda logits, labels, k: (logits.topk(k).indices == labels.unsqueeze(1)).sum() / len(labels),
    lambda logits, labels, k: (logits.sort(descending=True).indices[:, :k] == labels[:, None]).double().sum(1).mean(),
)
wrong(
    "4.2",
    ("k smallest", lambda logits, labels, k: of_numpy(-logits, labels, k)),
    ("those before|come k-th", lambda logits, labels, k: (ranks(logits, labels) == k - 1).float().mean()),
    ("those that come first|come first", lambda logits, labels, k: accuracy(logits, labels)),
    ("number of images, ", lambda logits, labels, k: (ranks(logits, labels) < k).sum()),
    ("per cent", lambda logits, labels, k: 100 * of_numpy(logits, labels, k)),
    ("not by k", lambda logits, labels, k: of_numpy(logits, labels, k) / k),
    ("its own label", lambda logits, labels, k: 1 - of_numpy(logits, labels, k)),
    (
        "its own label",
        lambda logits, labels, k: (logits.topk(k, dim=1).indices[:, None] == labels[:, None]).any(dim=2).float().mean(),
    ),
    ("its own label|come first", lambda logits, labels, k: of_numpy(logits, labels, min(k, 3))),
    ("should be", lambda logits, labels, k: (ranks(logits, labels) <= k).float().mean()),
    ("should be|come first", lambda logits, labels, k: of_numpy(logits, labels, 2)),
    ("one number, not a tensor of 200", lambda logits, labels, k: ranks(logits, labels) < k),
    ("its own label", lambda logits, labels, k: (logits.topk(k).indices == labels).float().mean()),
    (
        "stopped with RuntimeError|should be",
        lambda logits, labels, k: (
            (logits.topk(min(k, 4), dim=0).indices == labels[: min(k, 4), None]).any(0).float().mean()
        ),
    ),
    ("should be", lambda logits, labels, k: {1: 0.25, 2: 0.75}.get(k, 1)),
)


class Groups(nn.Module):
    def __init__(self, features, classifier, flatten=True):
        super().__init__()
        self.classifier, self.features, self.flatten = classifier, features, flatten

    def forward(self, images):
        maps = self.features(images)
        return self.classifier(maps.flatten(1) if self.flatten else maps)


def features(act=torch.nn.ReLU, pool=torch.nn.MaxPool2d):
    return [nn.Conv2d(1, 6, 5), act(), pool(2), nn.Conv2d(6, 16, 5), act(), pool(2)]


def classifier(act=torch.nn.ReLU, last=()):
    return [nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10), *last]


def groups(features, classifier, flatten=True):
    return Groups(nn.Sequential(*features), nn.Sequential(*classifier), flatten)


def changed_in_place():
    network = LeNet5()
    for group in (network.features, network.classifier):
        for place, layer in enumerate(group):
            if isinstance(layer, nn.Tanh):
                group[place] = nn.ReLU()
            elif isinstance(layer, nn.AvgPool2d):
                group[place] = nn.MaxPool2d(2, 2)
    return network


def pool_first():
    one, act, pool, two, act_too, pool_too = features()
    return groups([one, pool, act, two, pool_too, act_too], classifier())


class Functions(LeNet5):
    """The activations and poolings are functions in forward."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5))
        self.classifier = nn.Sequential(nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10))

    def forward(self, images):
        for layer in self.features:
            images = F.relu(F.max_pool2d(layer(images), 2))
        values = images.flatten(1)
        for layer in self.classifier[:2]:
            values = layer(values).relu()
        return self.classifier[2](values)


right(
    "4.3",
    Functions,
    lambda: groups(features(act=lambda: nn.LeakyReLU(0)), classifier()),
    changed_in_place,
    pool_first,
    lambda: groups(features(), classifier()),
    lambda: groups(features(), [nn.Flatten(), *classifier()], flatten=False),
    lambda: groups([*features(), nn.Flatten()], classifier(), flatten=False),
    lambda: groups([nn.Sequential(*features()[:3]), nn.Sequential(*features()[3:])], classifier()),
    lambda: cnncourse.models.LeNet5(activation=nn.ReLU, pool=nn.MaxPool2d),
)
wrong(
    "4.3",
    ("still 4 Tanh", lambda: LeNet5()),
    ("still 2 Tanh layers: the classifier", lambda: groups(features(), classifier(nn.Tanh))),
    ("still 2 layers of average", lambda: groups(features(pool=nn.AvgPool2d), classifier())),
    ("no ReLU after the last", lambda: groups(features(), classifier(last=[nn.ReLU()]))),
    ("no Softmax after the last", lambda: groups(features(), classifier(last=[nn.Softmax(dim=1)]))),
    ("other logits", lambda: groups(features(nn.Identity), classifier())),
    ("other logits", lambda: groups(features(nn.LeakyReLU), classifier(nn.LeakyReLU))),
    ("other logits", lambda: groups(features(), classifier(nn.Sigmoid))),
    ("stops with RuntimeError: mat1 and mat2", lambda: groups(features(), classifier(), flatten=False)),
    ("two groups as attributes", lambda: nn.Sequential(*features(), nn.Flatten(), *classifier())),
    ("not its class", lambda: LeNet5),
    ("61,706, not", lambda: groups([nn.Conv2d(1, 6, 5, bias=False), *features()[1:]], classifier())),
    ("10|stops", lambda: groups(features(), classifier()[:-1])),
    ("takes no input of 3×1×32×32", lambda: cnncourse.models.ConvNet()),
    ("stopped with TypeError", lambda: LeNet5(nn.ReLU)),
)

equal("4.2", "a tensor with one number is a number", "return (best == labels[:, None]).any(dim=1).sum() / len(labels)")
equal("4.2", "what is said is the default", "best = logits.topk(k).indices")
equal("4.2", "a label occurs once among the first k", "return (best == labels[:, None]).sum().item() / len(labels)")

right(
    "4.a",
    lambda parameters: parameters * 4 / 1_000_000,
    lambda parameters: parameters * 32 / 8 / 10**6,
    lambda parameters: np.float64(parameters) * 4e-6,
    lambda parameters: torch.tensor(4 * parameters / 1e6),
    lambda parameters: parameters * torch.zeros(1).element_size() / 1e6,
)
wrong(
    "4.a",
    ("four bytes", lambda parameters: parameters / 1e6),
    ("that is bytes", lambda parameters: 4 * parameters),
    ("not 1,048,576", lambda parameters: 4 * parameters / 2**20),
    ("32 bits", lambda parameters: 32 * parameters / 1e6),
    ("thousands of bytes", lambda parameters: 4 * parameters / 1e3),
    ("it should be", lambda parameters: 8 * parameters / 1e6),
    ("it should be", lambda parameters: 4 * parameters / 1e9),
    ("it should be", lambda parameters: 2 * parameters / 1e6),
    ("it should be", lambda parameters: 4 * (parameters + 1) / 1e6),
    ("a number", lambda parameters: f"{4 * parameters / 1e6} MB"),
)

right(
    "4.b",
    lambda inputs, outputs, size: outputs * inputs * size * size + outputs,
    lambda inputs, outputs, size: sum(map(torch.numel, nn.Conv2d(inputs, outputs, size).parameters())),
    lambda inputs, outputs, size: np.prod((outputs, inputs, size, size)) + outputs,
    lambda inputs, outputs, size: torch.tensor((inputs * size**2 + 1) * outputs),
    lambda inputs, outputs, size: sum(inputs * size**2 + 1 for _ in range(outputs)),
)
wrong(
    "4.b",
    ("biases are missing", lambda inputs, outputs, size: outputs * inputs * size**2),
    ("one bias for each output", lambda inputs, outputs, size: outputs * inputs * size**2 + 1),
    ("one bias for each output", lambda inputs, outputs, size: outputs * inputs * size**2 + inputs),
    ("input maps|one bias|should be", lambda inputs, outputs, size: outputs * size**2 + outputs if inputs > 1 else 0),
    ("weights for each input map", lambda inputs, outputs, size: outputs * inputs * size + outputs),
    ("it should be", lambda inputs, outputs, size: (outputs + inputs) * size**2 + outputs),
    ("it should be", lambda inputs, outputs, size: outputs * (inputs + 1) * size**2),
    ("it should be", lambda inputs, outputs, size: inputs * size**2 + 100),
    ("it should be", lambda inputs, outputs, size: outputs * inputs * size**3 + outputs),
    ("one number", lambda inputs, outputs, size: (outputs * inputs * size**2, outputs)),
)

right(
    "4.c",
    lambda labels, answers, first, second: (
        sum(a == first and b == second for a, b in zip(labels.tolist(), answers.tolist(), strict=True)),
        sum(a == second and b == first for a, b in zip(labels.tolist(), answers.tolist(), strict=True)),
    ),
    lambda labels, answers, first, second: [
        int((answers[labels == first] == second).sum()),
        int((answers[labels == second] == first).sum()),
    ],
    lambda labels, answers, first, second: np.array(
        [np.sum((labels.numpy() == a) & (answers.numpy() == b)) for a, b in ((first, second), (second, first))]
    ),
    lambda labels, answers, first, second: torch.stack(
        [((labels == a) & (answers == b)).sum() for a, b in ((first, second), (second, first))]
    ).double(),
    lambda labels, answers, first, second: matrix_entries(labels, answers, first, second),
)


def matrix_entries(labels, answers, first, second):
    matrix = torch.zeros(10, 10, dtype=torch.int64)
    matrix.index_put_((labels, answers), torch.ones_like(labels), accumulate=True)
    return matrix[first, second], matrix[second, first]


wrong(
    "4.c",
    ("exchanged", lambda labels, answers, first, second: matrix_entries(labels, answers, second, first)),
    ("exchanged", lambda labels, answers, first, second: matrix_entries(answers, labels, first, second)),
    (
        "right answers",
        lambda labels, answers, first, second: (
            matrix_entries(labels, answers, first, first)[0],
            matrix_entries(labels, answers, second, second)[0],
        ),
    ),
    ("all images", lambda labels, answers, first, second: ((labels == first).sum(), (labels == second).sum())),
    (
        "shares",
        lambda labels, answers, first, second: [
            n / len(labels) for n in matrix_entries(labels, answers, first, second)
        ],
    ),
    ("should be", lambda labels, answers, first, second: ((answers == first).sum(), (answers == second).sum())),
    ("should be", lambda labels, answers, first, second: (matrix_entries(labels, answers, first, second)[0],) * 2),
    ("should be", lambda labels, answers, first, second: (((labels == first) | (answers == second)).sum(), 0)),
    ("two values", lambda labels, answers, first, second: sum(matrix_entries(labels, answers, first, second))),
    ("should be", lambda labels, answers, first, second: ((labels != answers).sum(), (labels != answers).sum())),
)


def compared(pick=max, average=lambda values: sum(values) / len(values), seeds_of=lambda seeds: seeds, both=True):
    def found(learn, momenta, seeds):
        means = {m: average([learn(m, seed) for seed in seeds_of(seeds)]) for m in momenta}
        best = pick(means, key=means.get)
        return (best, means) if both else best

    return found


right(
    "4.4",
    compared(),
    compared(average=np.mean),
    compared(average=lambda values: torch.tensor(values, dtype=torch.float64).mean()),
    lambda learn, momenta, seeds: (
        [
            sorted(compared()(learn, momenta, seeds)[1].items(), key=lambda row: -row[1])[0][0],
            compared()(learn, momenta, seeds)[1],
        ]
        if False
        else list(compared()(learn, momenta, seeds))
    ),
    compared(average=lambda values: math.fsum(values) / len(values)),
)
wrong(
    "4.4",
    ("highest mean", compared(pick=min)),
    ("mean of momentum", compared(average=max)),
    ("mean of momentum", compared(average=sum)),
    ("with seeds", compared(seeds_of=lambda seeds: seeds[:1])),
    ("with seeds", compared(seeds_of=lambda seeds: range(5))),
    ("two values", compared(both=False)),
    ("a dict", lambda learn, momenta, seeds: (0.9, list(compared()(learn, momenta, seeds)[1].values()))),
    (
        "have the keys",
        lambda learn, momenta, seeds: (momenta[0], {momenta[0]: sum(learn(momenta[0], s) for s in seeds) / len(seeds)}),
    ),
    ("highest mean", lambda learn, momenta, seeds: (0.25, compared()(learn, momenta, seeds)[1])),
    (
        "mean of momentum",
        lambda learn, momenta, seeds: (0.9, {m: v - 0.1 for m, v in compared()(learn, momenta, seeds)[1].items()}),
    ),
)

equal(
    "4.a",
    "a millionth more or less is rounding",
    "return 4 * parameters / 1000001.0",
    "return 4 * parameters / 999999.0",
)

right(
    "4.d",
    lambda losses: (losses[-1] - min(losses)) / min(losses),
    lambda losses: np.float64(losses[-1]) / np.min(losses) - 1,
    lambda losses: torch.tensor(losses, dtype=torch.float64)[-1] / min(losses) - 1,
    lambda losses: torch.tensor([losses[-1] / sorted(losses)[0] - 1], dtype=torch.float64),
    lambda losses: max((losses[-1] - loss) / loss for loss in losses),
)
wrong(
    "4.d",
    ("that is the difference", lambda losses: losses[-1] - min(losses)),
    ("not by the last", lambda losses: (losses[-1] - min(losses)) / losses[-1]),
    ("last / lowest", lambda losses: losses[-1] / min(losses)),
    ("per cent", lambda losses: 100 * (losses[-1] / min(losses) - 1)),
    ("sign is turned round", lambda losses: 1 - losses[-1] / min(losses)),
    ("not with the first", lambda losses: losses[-1] / losses[0] - 1),
    ("not with the one before", lambda losses: losses[-1] / losses[-2] - 1),
    ("should be", lambda losses: (max(losses) - min(losses)) / min(losses)),
    ("should be", lambda losses: len(losses) - 1 - losses.index(min(losses))),
    ("should be", lambda losses: 0.0),
    ("one number", lambda losses: [loss / min(losses) - 1 for loss in losses]),
)
