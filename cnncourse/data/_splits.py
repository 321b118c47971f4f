"""Which images go to the validation part, where classes or groups have a say."""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor


def balanced_part(order: Tensor, labels: Tensor, classes: Sequence[str], fraction: float) -> Tensor:
    """Choose the same share of each class.

    Args:
        order: int64 N, a random order of the images.
        labels: int64 N, of the images.
        classes: their names, for the error.
        fraction: the share.

    Returns:
        bool N: which places of the order go to the part.

    Raises:
        ValueError: a class has too few images for two parts.
    """
    part = torch.zeros(len(order), dtype=torch.bool)
    for label, name in enumerate(classes):
        places = (labels[order] == label).nonzero()[:, 0]
        if len(places) == 1:
            raise ValueError(f"the class {name!r} has one image, which can't be in both parts")
        if len(places):
            part[places[: min(max(round(fraction * len(places)), 1), len(places) - 1)]] = True
    return part


def grouped_part(order: Tensor, groups: Sequence[Hashable], labels: Tensor, fraction: float, balanced: bool) -> Tensor:
    """Choose whole groups, large ones first, as long as that brings the part nearer to its share.

    Args, Returns and Raises as `balanced_part`; balanced: whether the share counts for each class.
    """
    groups = groups.tolist() if hasattr(groups, "tolist") else list(groups)
    groups = [group.item() if isinstance(group, Tensor) else group for group in groups]  # equal tensors are not one key
    if len(groups) != len(order):
        raise ValueError(f"there are {len(order)} images but {len(groups)} groups")
    places: dict[Hashable, list[int]] = {}
    for place, image in enumerate(order.tolist()):
        places.setdefault(groups[image], []).append(place)
    if len(places) < 2:
        raise ValueError("all images are of one group, so they can't be divided")
    kinds = labels[order] if balanced else torch.zeros_like(order)
    number = int(kinds.max()) + 1
    wanted = fraction * torch.bincount(kinds, minlength=number).double()
    have = torch.zeros(number, dtype=torch.float64)
    part = torch.zeros(len(order), dtype=torch.bool)
    for of_group in sorted(places.values(), key=len, reverse=True):  # among equals, the random order stays
        counts = torch.bincount(kinds[of_group], minlength=number).double()
        if ((have + counts - wanted) ** 2).sum() < ((have - wanted) ** 2).sum():
            part[of_group] = True
            have += counts
    if not part.any():  # each group is more than twice the share: the smallest comes nearest
        part[min(places.values(), key=len)] = True
    if part.all():
        raise ValueError("the groups are too large to leave something in both parts; take another fraction")
    return part
