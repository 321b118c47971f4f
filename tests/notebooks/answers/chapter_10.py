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


def of_modules(model):
    return {
        name: (type(layer).__name__, getattr(layer, "num_groups", 0))
        for name, layer in model.named_modules()
        if "Norm" in type(layer).__name__
    }


def by_text(first, second):
    one, other = (
        str([(name, str(layer)) for name, layer in model.named_modules() if "Norm" in type(layer).__name__])
        for model in (first, second)
    )
    return one == other


def pair_by_pair(first, second):
    one, other = list(first.named_modules()), list(second.named_modules())
    norms = [[item for item in items if isinstance(item[1], (nn.BatchNorm2d, nn.GroupNorm))] for items in (one, other)]
    if len(norms[0]) != len(norms[1]):
        return False
    for (name, norm), (name_too, norm_too) in zip(*norms, strict=True):
        if name != name_too or type(norm) is not type(norm_too):
            return False
        if isinstance(norm, nn.GroupNorm) and norm.num_groups != norm_too.num_groups:
            return False
    return True


def by_places(first, second):
    def notes(model):
        layers = [layer for layer in model.modules() if not list(layer.children())]
        return [getattr(layer, "num_groups", type(layer) is nn.BatchNorm2d) or type(layer) for layer in layers]

    one, other = notes(first), notes(second)
    return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))


def recursive(first, second):
    if isinstance(first, (nn.BatchNorm2d, nn.GroupNorm)) or isinstance(second, (nn.BatchNorm2d, nn.GroupNorm)):
        return type(first) is type(second) and getattr(first, "num_groups", 0) == getattr(second, "num_groups", 0)
    ones, others = dict(first.named_children()), dict(second.named_children())
    empty = nn.Identity()
    return all(recursive(ones.get(name, empty), others.get(name, empty)) for name in ones | others)


right(
    "10.3",
    by_text,
    pair_by_pair,
    by_places,
    recursive,
    lambda first, second: of_modules(first) == of_modules(second),
    lambda first, second: torch.tensor(of_modules(first) == of_modules(second)),
)


def noted(function):
    return lambda first, second: function(list(of_modules(first).items())) == function(list(of_modules(second).items()))


wrong(
    "10.3",
    ("have the same norms: True|True", lambda first, second: False),
    ("different classes of layers: False", lambda first, second: True),
    ("num_groups", noted(lambda notes: [(name, kind) for name, (kind, _) in notes])),
    ("Look at all norms", noted(lambda notes: notes[:1])),
    ("order: False|norm more", noted(lambda notes: {note for _, note in notes})),
    ("another place", noted(lambda notes: [note for _, note in notes])),
    ("norm more", noted(lambda notes: [groups for _, (_, groups) in notes if groups])),
    ("different classes|num_groups", noted(lambda notes: [name for name, _ in notes])),
    ("different classes", noted(len)),
    (
        "norm more",
        lambda first, second: (
            all(a == b for a, b in zip(of_modules(first).items(), of_modules(second).items(), strict=False))
            and bool(of_modules(first)) == bool(of_modules(second))
        ),
    ),
    ("norms: True|True", lambda first, second: first is second),
    (
        "different classes|num_groups|change nothing",
        lambda first, second: first.state_dict().keys() == second.state_dict().keys(),
    ),
    ("True", lambda first, second: str(first.state_dict()) == str(second.state_dict())),
    ("Look at all norms", noted(lambda notes: (notes[:1], len(notes)))),
    ("True or False, not 2", lambda first, second: 2),
    ("stopped with AttributeError", lambda first, second: first.norms == second.norms),
    ("num_groups|different", lambda first, second: type(first) is type(second)),
)
