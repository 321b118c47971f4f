# ruff: noqa: F821
import numpy as np


def one_map_after_the_other(maps):
    result = torch.empty_like(maps, dtype=torch.float64)
    for image, wanted in zip(maps, result, strict=True):
        for channel in range(len(image)):
            values = image[channel].double()
            wanted[channel] = (values - values.mean()) / (values.var(correction=0) + 1e-5) ** 0.5
    return result


def of_numpy(maps):
    values = maps.numpy()
    return (values - values.mean((2, 3), keepdims=True)) / np.sqrt(values.var((2, 3), keepdims=True) + 1e-5)


right(
    "10.1",
    one_map_after_the_other,
    of_numpy,
    F.instance_norm,
    lambda maps: group_norm_by_hand(maps, maps.shape[1]),
    lambda maps: F.group_norm(maps, maps.shape[1]),
    lambda maps: torch.cat([batch_norm_by_hand(image[None]) for image in maps]),
    lambda maps: F.layer_norm(maps, maps.shape[2:]),
    lambda maps: (maps - maps.mean((2, 3), True)) / maps.std((2, 3), correction=0, keepdim=True),
)


def centred(maps):
    return maps - maps.mean((2, 3), keepdim=True)


def in_place(maps):
    maps -= maps.mean((2, 3), keepdim=True)
    return maps / maps.std((2, 3), correction=0, keepdim=True)


wrong(
    "10.1",
    ("That is batch norm", lambda maps: batch_norm_by_hand(maps)),
    ("That is layer norm", lambda maps: layer_norm_by_hand(maps)),
    ("all values have one mean", lambda maps: normalise(maps, (0, 1, 2, 3))),
    ("a mean for each row", lambda maps: normalise(maps, (3,))),
    ("mean over the channels", lambda maps: normalise(maps, (1,))),
    ("H·W - 1", lambda maps: centred(maps) / maps.std((2, 3), keepdim=True)),
    ("not by the variance itself", lambda maps: centred(maps) / maps.var((2, 3), correction=0, keepdim=True)),
    ("Divide by the root of the variance as well", centred),
    ("must have mean 0", lambda maps: group_norm_by_hand(maps, 2 if maps.shape[1] % 2 == 0 else 1)),
    ("must have mean 0", lambda maps: maps / maps.std((2, 3), correction=0, keepdim=True)),
    ("must have mean 0", lambda maps: maps.clone()),
    ("root of \\(variance", lambda maps: 2 * normalise(maps, (2, 3))),
    ("root of \\(variance", lambda maps: torch.zeros_like(maps)),
    ("root of \\(variance", lambda maps: centred(maps) / (maps**2).mean((2, 3), keepdim=True).sqrt()),
    ("stopped with RuntimeError: The size of tensor", lambda maps: maps - maps.mean((2, 3))),
    ("4×6×5×5, not a tensor of 4×6×25", lambda maps: normalise(maps, (2, 3)).flatten(2)),
    ("changes the Tensor", in_place),
)


def answer_among(model, image, company):
    with torch.no_grad():
        return model(torch.cat([image, company]))[0]


def two_companies(model, image):
    one, other = (torch.full((3, *image.shape[1:]), value) for value in (-4.0, 4.0))
    one[0, 0, 0, 0], other[0, 0, 0, 0] = 9, 2
    return bool((answer_among(model, image, one) - answer_among(model, image, other)).abs().max() > 1e-3)


def alone_or_not(model, image):
    with torch.no_grad():
        alone = model(image)[0]
    return not torch.allclose(alone, answer_among(model, image, 5 * torch.randn(9, *image.shape[1:])), atol=1e-4)


def in_last_place(model, image):
    with torch.no_grad():
        answers = [model(torch.cat([scale * torch.randn(5, *image.shape[1:]), image]))[-1] for scale in (1, 20)]
    return np.bool_(not np.allclose(*answers, atol=1e-3))


def by_the_gradient(model, image):
    company = torch.randn(4, *image.shape[1:], requires_grad=True)
    answer = model(torch.cat([image, company]))[0]
    [gradient] = torch.autograd.grad((answer * torch.randn_like(answer)).sum(), company)
    return gradient.abs().max() > 1e-7


right(
    "10.2",
    two_companies,
    alone_or_not,
    in_last_place,
    by_the_gradient,
    lambda model, image: int(two_companies(model, image)),
    lambda model, image: torch.tensor(alone_or_not(model, image)),
)


def by_class(*kinds, training=True):
    def company_matters(model, image):
        return any(isinstance(layer, kinds) and (layer.training or not training) for layer in model.modules())

    return company_matters


def left_in_evaluation(model, image):
    found = two_companies(model, image)
    model.eval()
    return found


def in_evaluation(model, image):
    return two_companies(copy.deepcopy(model).eval(), image)


def in_training(model, image):
    return two_companies(copy.deepcopy(model).train(), image)


def exactly(model, image):
    companies = [scale * torch.randn(6, *image.shape[1:]) for scale in (1, 9)]
    return not torch.equal(*(answer_among(model, image, company) for company in companies))


def same_company(model, image):
    company = torch.randn(6, *image.shape[1:])
    return not torch.allclose(answer_among(model, image, company), answer_among(model, image, company), atol=1e-4)


def whole_batch(model, image):
    with torch.no_grad():
        one, other = (model(torch.cat([image, scale * torch.randn(3, *image.shape[1:])])) for scale in (1, 9))
    return not torch.allclose(one, other, atol=1e-4)


wrong(
    "10.2",
    ("should be False", lambda model, image: True),
    ("nn.BatchNorm2d in training: it should be True", lambda model, image: False),
    ("nn.BatchNorm2d in training: it should be True", in_evaluation),
    ("in evaluation: it should be False", in_training),
    ("group norm: it should be False", lambda model, image: model.training),
    ("without running values", by_class(nn.BatchNorm2d)),
    ("in evaluation: it should be False", by_class(nn.BatchNorm2d, training=False)),
    ("deep inside", lambda model, image: isinstance(model, (nn.BatchNorm2d, CifarNet)) and two_companies(model, image)),
    ("changes the", left_in_evaluation),
    ("last digits", exactly),
    ("two kinds of company", same_company),
    ("should be False", whole_batch),
    ("should be True, not False", lambda model, image: not two_companies(model, image)),
    ("True or False, not|one number|True or False", lambda model, image: "False"),
    ("True or False", lambda model, image: 7),
    ("stopped with IndexError", lambda model, image: two_companies(model, image[0])),
    ("True or False.* should be one number", lambda model, image: answer_among(model, image, image)),
)


def table_of(learn, norm, rates, seeds, which=1):
    return np.array([[learn(norm, rate, seed)[which] for seed in seeds] for rate in rates])


def tables(learn, rates, seeds):
    """The accuracies of both norms, rates × seeds: batch norm's on training and validation, then group norm's."""
    both = (nn.BatchNorm2d, group_norm)
    return [table_of(learn, norm, rates, seeds, which) for norm in both for which in (0, 1)]


def comparing(points):
    """An answer that tries all rates and seeds, and makes its differences of the four tables."""
    return lambda learn, rates, seeds: points(*tables(learn, rates, seeds))


def best(table, by=None):
    return table[(table if by is None else by).mean(axis=1).argmax()]


def with_a_dictionary(learn, rates, seeds):
    chosen = {}
    for norm in (group_norm, nn.BatchNorm2d):
        by_rate = {rate: [learn(norm=norm, rate=rate, seed=seed)[1] for seed in seeds] for rate in rates}
        rate = max(by_rate, key=lambda rate: mean(by_rate[rate]))
        chosen[norm] = by_rate[rate]
    return [100 * (b - g) for b, g in zip(chosen[nn.BatchNorm2d], chosen[group_norm], strict=True)]


def in_loops(learn, rates, seeds):
    found = []
    for norm in (nn.BatchNorm2d, group_norm):
        highest, its_rate = -1, None
        for rate in rates:
            total = 0
            for seed in seeds:
                total += learn(norm, rate, seed)[1]
            if total > highest:
                highest, its_rate = total, rate
        found.append([learn(norm, its_rate, seed)[1] for seed in seeds])  # trained again
    return tuple(100 * found[0][k] - 100 * found[1][k] for k in range(len(seeds)))


def of_tensors(learn, rates, seeds):
    made = torch.tensor([[[learn(n, r, s)[1] for s in seeds] for r in rates] for n in (nn.BatchNorm2d, group_norm)])
    chosen = made.sum(dim=2).argmax(dim=1)
    return 100 * (made[0, chosen[0]] - made[1, chosen[1]])


right(
    "10.3",
    comparing(lambda _, b, __, g: 100 * (best(b) - best(g))),
    with_a_dictionary,
    in_loops,
    of_tensors,
    comparing(
        lambda _, b, __, g: (100 * max(b, key=np.median if b.shape[1] == 1 else np.mean) - 100 * best(g)).tolist()
    ),
)


def one_rate(learn, rates, seeds):
    return [100 * (learn(nn.BatchNorm2d, rates[0], s)[1] - learn(group_norm, rates[0], s)[1]) for s in seeds]


def fewer_for_group(learn, rates, seeds):
    batch, group = table_of(learn, nn.BatchNorm2d, rates, seeds), table_of(learn, group_norm, rates[:1], seeds)
    return 100 * (best(batch) - best(group))


def first_seed_chooses(learn, rates, seeds):
    rate = {n: max(rates, key=lambda rate: learn(n, rate, seeds[0])[1]) for n in (nn.BatchNorm2d, group_norm)}
    return [
        100 * (learn(nn.BatchNorm2d, rate[nn.BatchNorm2d], s)[1] - learn(group_norm, rate[group_norm], s)[1])
        for s in seeds
    ]


wrong(
    "10.3",
    ("not the other way round", comparing(lambda _, b, __, g: 100 * (best(g) - best(b)))),
    ("In percentage points", comparing(lambda _, b, __, g: best(b) - best(g))),
    ("not by those of the training part", comparing(lambda tb, b, tg, g: 100 * (best(b, tb) - best(g, tg)))),
    ("These are training accuracies", comparing(lambda tb, b, tg, g: 100 * (best(tb) - best(tg)))),
    ("judge by validation too", comparing(lambda tb, b, tg, g: 100 * (best(tb, b) - best(tg, g)))),
    ("not the best for each seed", comparing(lambda _, b, __, g: 100 * (b.max(axis=0) - g.max(axis=0)))),
    (
        "not by the best single run",
        comparing(lambda _, b, __, g: 100 * (b[b.max(axis=1).argmax()] - g[g.max(axis=1).argmax()])),
    ),
    ("Group norm should get its own best", comparing(lambda _, b, __, g: 100 * (best(b) - best(g, b)))),
    ("Batch norm should get its own best", comparing(lambda _, b, __, g: 100 * (best(b, g) - best(g)))),
    ("at its worst rate", comparing(lambda _, b, __, g: 100 * (best(b, -b) - best(g, -g)))),
    ("don't average over the rates", comparing(lambda _, b, __, g: 100 * (b.mean(axis=0) - g.mean(axis=0)))),
    ("in the order of the seeds", comparing(lambda _, b, __, g: 100 * (best(b) - best(g))[::-1])),
    ("in the order of the seeds", comparing(lambda _, b, __, g: 100 * (np.sort(best(b)) - np.sort(best(g))))),
    ("one for each seed, should be 3", comparing(lambda _, b, __, g: 100 * (best(b) - best(g)).mean())),
    ("Batch norm was tried 3 times. Try 3 rates with 3 seeds: 9", one_rate),
    ("Group norm was tried 3 times", fewer_for_group),
    ("was tried", first_seed_chooses),
    ("Take the rates and seeds given", lambda learn, rates, seeds: comparing(lambda *t: t)(learn, [0.1, 0.02], seeds)),
    ("Take the rates and seeds given", lambda learn, rates, seeds: of_tensors(learn, rates, range(len(seeds) + 1))),
    ("learn takes nn.BatchNorm2d or group_norm", lambda learn, rates, seeds: learn("batch", rates[0], seeds[0])),
)

equal("10.1", "the order of axes, notes, moves or what is compared does not matter", "return normalise(maps, (3, 2))")
equal(
    "10.2",
    "the order of axes, notes, moves or what is compared does not matter",
    "return not torch.allclose(other, one, atol=0.0001)",
)
equal(
    "10.2",
    "any two companies that differ much will do, and any tolerance above rounding",
    "company = torch.randn(8, *image.shape[1:])",
    "company = torch.randn(6, *image.shape[1:])",
    "company = torch.randn(14, *image.shape[1:])",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (9, 1))",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (2, 9))",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (0, 9))",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 10))",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 8))",
    "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 18))",
    "one, other = (model(torch.cat([image, size / company]))[0] for size in (1, 9))",
    "return not torch.allclose(one, other, atol=0.0002)",
)

right(
    "10.a",
    lambda image, means: ((means - image) ** 2).sum(dim=(1, 2, 3)).argmin(),
    lambda image, means: min(range(len(means)), key=lambda k: float(((means[k] - image) ** 2).sum())),
    lambda image, means: int(np.argmin([np.linalg.norm(mean.numpy() - image.numpy()) for mean in means])),
    lambda image, means: torch.cdist(image.flatten()[None], means.flatten(1)).argmin().item(),
    lambda image, means: F.mse_loss(means, image.expand_as(means), reduction="none").mean(dim=(1, 2, 3)).argmin(),
    lambda image, means: (
        torch.linalg.vector_norm((means.double() - image.double()).flatten(1), dim=1).topk(1, largest=False).indices
    ),
)
wrong(
    "10.a",
    ("farthest", lambda image, means: ((means - image) ** 2).sum(dim=(1, 2, 3)).argmax()),
    ("cancel|nearest here", lambda image, means: (means - image).sum(dim=(1, 2, 3)).argmin()),
    ("one number", lambda image, means: ((means - image) ** 2).sum(dim=(1, 2, 3))),
    ("nearest here|farthest", lambda image, means: 0),
    ("nearest here|farthest", lambda image, means: ((means - image) ** 2).sum(dim=(1, 2, 3)).min()),
    ("nearest here|farthest", lambda image, means: (means * image).sum(dim=(1, 2, 3)).argmax()),
    ("nearest here|farthest", lambda image, means: ((means / 255 - image) ** 2).sum(dim=(1, 2, 3)).argmin()),
    ("nearest here|farthest", lambda image, means: ((means - image) ** 2).flatten().argmin()),
    ("nearest here|farthest", lambda image, means: ((means - image) ** 2).sum(dim=(1, 2, 3)).argmin() + 1),
    ("nearest here|farthest", lambda image, means: (means - image).abs().amax(dim=(1, 2, 3)).argmin()),
    ("stopped with", lambda image, means: torch.cdist(image, means).argmin(dim=9)),
)

right(
    "10.b",
    lambda shape, groups: (shape[1], shape[0], shape[0] * groups),
    lambda shape, groups: [shape[1], shape[0], groups * shape[0]],
    lambda shape, groups: torch.tensor([shape[1], shape[0], shape[0] * groups]),
    lambda shape, groups: np.array([shape[1], shape[0], shape[0] * groups], dtype=np.float64),
    lambda shape, groups: (
        torch.zeros(shape).mean(dim=(0, 2, 3)).numel(),
        torch.zeros(shape).mean(dim=(1, 2, 3)).numel(),
        torch.zeros(shape).reshape(shape[0], groups, -1).mean(dim=2).numel(),
    ),
)
wrong(
    "10.b",
    ("exchanged", lambda shape, groups: (shape[0], shape[1], shape[0] * groups)),
    ("for each image", lambda shape, groups: (shape[1], shape[0], groups)),
    ("not one a channel", lambda shape, groups: (shape[1], shape[0], shape[0] * shape[1])),
    (
        "numbers of values",
        lambda shape, groups: (
            math.prod(shape) / shape[1],
            math.prod(shape) / shape[0],
            math.prod(shape) / shape[0] / groups,
        ),
    ),
    ("batch norm takes", lambda shape, groups: (1, shape[0], shape[0] * groups)),
    ("layer norm takes", lambda shape, groups: (shape[1], shape[0] * shape[1], shape[0] * groups)),
    ("group norm takes", lambda shape, groups: (shape[1], shape[0], shape[0] * groups * shape[1])),
    ("group norm takes|for each image", lambda shape, groups: (shape[1], shape[0], shape[1] // groups)),
    ("should be 3", lambda shape, groups: (shape[1], shape[0])),
    ("batch norm takes", lambda shape, groups: (shape[2] * shape[3], shape[0], shape[0] * groups)),
)

right(
    "10.c",
    lambda spread, seeds: t_975(seeds) * spread / seeds**0.5,
    lambda spread, seeds: np.float64(t_975(seeds) * spread / np.sqrt(seeds)),
    lambda spread, seeds: torch.tensor(spread * t_975(seeds)) / math.sqrt(seeds),
    lambda spread, seeds: t_975(seeds) * (spread**2 / seeds) ** 0.5,
    lambda spread, seeds: math.exp(math.log(t_975(seeds)) + math.log(spread) - 0.5 * math.log(seeds)),
)
wrong(
    "10.c",
    ("whole width", lambda spread, seeds: 2 * t_975(seeds) * spread / seeds**0.5),
    ("root of the number", lambda spread, seeds: t_975(seeds) * spread),
    ("root of the number", lambda spread, seeds: t_975(seeds) * spread / seeds),
    ("t is missing", lambda spread, seeds: spread / seeds**0.5),
    ("not 1.96", lambda spread, seeds: 1.96 * spread / seeds**0.5),
    ("should be", lambda spread, seeds: t_975(seeds) / seeds**0.5),
    ("should be", lambda spread, seeds: t_975(seeds + 1) * spread / seeds**0.5),
    ("should be", lambda spread, seeds: t_975(seeds) * spread / (seeds - 1) ** 0.5 + 1),
    ("should be", lambda spread, seeds: t_975(seeds) * spread**2 / seeds**0.5 + 0.01),
    ("one number", lambda spread, seeds: [-spread, spread]),
)

equal(
    "10.a",
    "a sum does not depend on the order of the axes",
    "return (means - image).square().sum(dim=(3, 2, 1)).argmin()",
)
equal(
    "10.3",
    "both lists have one accuracy for each seed",
    "return [100 * (b - g) for b, g in zip(batch, group)]",
    "return [100 * (b - g) for b, g in zip(batch, group, strict=False)]",
)
