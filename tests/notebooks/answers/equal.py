"""Which changed solutions are right too."""

# ruff: noqa: E501

# Changed solutions that pass because they are as right as the solution: the first line that differs, by the reason.
EQUAL = {
    "a tensor with one number is a number": [
        ("1.1", "return (mean, (mean_of_squares - mean ** 2).sqrt().item())"),
        ("1.1", "return (mean.item(), (mean_of_squares - mean ** 2).sqrt())"),
        ("4.2", "return (best == labels[:, None]).any(dim=1).sum() / len(labels)"),
        ("5.3", "top = torch.randint(height - size + 1, (1,))"),
        ("5.3", "left = torch.randint(width - size + 1, (1,))"),
        ("11.2", "[gradient] = torch.autograd.grad(layers(patch)[0, number], patch)"),
    ],
    "a list of rows is a matrix": [
        ("9.1", "return rows"),
    ],
    "what is said is the default": [
        ("4.2", "best = logits.topk(k).indices"),
        ("7.2", "ones = torch.ones(len(images))"),
        ("7.2", "shift = torch.zeros(len(images), 2)"),
        ("9.2", "loader = Loader(part, 1000, augment=partial(random_noise, strength=strength))"),
        ("11.2", "patch = torch.full((1, 1, 14, 14), (black + white) / 2)"),
    ],
    "a label occurs once among the first k": [
        ("4.2", "return (best == labels[:, None]).sum().item() / len(labels)"),
    ],
    "of N×C×H×W, 2 and -2 are the same axis; [0] and [-1] of one image the same image": [
        ("5.3", "height, width = images.shape[+2:]"),
        ("11.2", "[gradient] = torch.autograd.grad(layers(patch)[-1, number].sum(), patch)"),
        ("11.3", "before = predict(model, image[None])[-1, label]"),
    ],
    "strict only guards against a slip": [
        ("6.1", "weights = [k * k * i * o for k, i, o in zip(kernels, (1, *channels), (*channels, 10))]"),
        ("6.1", "weights = [k * k * i * o for k, i, o in zip(kernels, (1, *channels), (*channels, 10), strict=False)]"),
    ],
    "times one and divided by one": [
        ("7.2", "return affine(images, angle=angle / ones, translate=shift, scale=ones, shear=0 * ones)"),
        ("7.2", "return affine(images, angle=angle * ones, translate=shift, scale=ones, shear=0 / ones)"),
    ],
    "the images fit into one batch all the same": [
        ("9.2", "loader = Loader(part, 1001, augment=partial(random_noise, strength=strength), device=device)"),
        ("9.2", "loader = Loader(part, 999, augment=partial(random_noise, strength=strength), device=device)"),
        ("9.2", "loader = Loader(part, 2000, augment=partial(random_noise, strength=strength), device=device)"),
    ],
    "the order of axes, notes, moves or what is compared does not matter": [
        ("10.1", "return normalise(maps, (3, 2))"),
        ("10.2", "return not torch.allclose(other, one, atol=0.0001)"),
        (
            "10.3",
            "return [(getattr(layer, 'num_groups', None), type(layer), name) for name, layer in model.named_modules() if isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm))]",
        ),
        (
            "10.3",
            "return [(name, type(layer), getattr(layer, 'num_groups', None)) for name, layer in model.named_modules() if isinstance(layer, (nn.GroupNorm, nn.BatchNorm2d))]",
        ),
        ("12.1", "return (weight / (255 * std), bias - weight.sum(dim=(3, 2, 1)) * mean / std)"),
        ("12.2", "opinions = [read(network, moved(images, x, y)) for x in (1, 0, -1) for y in (-1, 0, 1)]"),
        ("12.2", "opinions = [read(network, moved(images, x, y)) for x in (-1, 0, 1) for y in (1, 0, -1)]"),
        ("12.3", "return maps.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(4, 2))"),
    ],
    "any two companies that differ much will do, and any tolerance above rounding": [
        ("10.2", "company = torch.randn(8, *image.shape[1:])"),
        ("10.2", "company = torch.randn(6, *image.shape[1:])"),
        ("10.2", "company = torch.randn(14, *image.shape[1:])"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (9, 1))"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (2, 9))"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (0, 9))"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 10))"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 8))"),
        ("10.2", "one, other = (model(torch.cat([image, size * company]))[0] for size in (1, 18))"),
        ("10.2", "one, other = (model(torch.cat([image, size / company]))[0] for size in (1, 9))"),
        ("10.2", "return not torch.allclose(one, other, atol=0.0002)"),
    ],
    "another way up to a patch as good": [
        ("11.2", "patch = torch.full((1, 1, 14, 14), (black + white) * 2, device=device)"),
        ("11.2", "patch = torch.full((1, 1, 14, 14), (black - white) / 2, device=device)"),
        ("11.2", "patch = torch.full((1, 1, 14, 14), (black + white) / 1, device=device)"),
        ("11.2", "patch = (patch + lr * gradient / gradient.norm().clamp(min=1e-09)).clamp(black, white)"),
        ("11.2", "patch = (patch + lr * gradient / gradient.norm()).detach().clamp(black, white)"),
        ("11.2", "patch = (patch + lr * gradient / gradient.clamp(min=1e-09)).detach().clamp(black, white)"),
        (
            "11.2",
            "patch = (patch + lr * gradient / gradient.norm().clamp(min=1.000000001)).detach().clamp(black, white)",
        ),
        (
            "11.2",
            "patch = (patch + lr * gradient / gradient.norm().clamp(min=-0.999999999)).detach().clamp(black, white)",
        ),
        ("11.2", "patch = (patch + lr * gradient / gradient.norm().clamp(min=2e-09)).detach().clamp(black, white)"),
    ],
}
