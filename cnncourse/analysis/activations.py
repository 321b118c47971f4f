"""What the layers of a network make of an image, and which part of the image its answer comes from."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnncourse._checks import check_labels, forward
from cnncourse._model import bare, hooked, on_device
from cnncourse._text import by
from cnncourse.analysis._logits import from_logits
from cnncourse.analysis._watch import at_work, check_tensor, named_layers

LARGEST = 50  # above it, images without negative values are no normalised ones


def feature_maps(model: nn.Module, images: Tensor, *, skip: bool = False) -> dict[str, Tensor]:
    """What each layer gives for a batch of images, in the order in which the layers finish.

    Layers are all modules but the model as a whole and plain Sequentials, by their names in `named_modules`, for
    example "features.0". A layer that runs again has a number at its name, as "relu (2)". The model is in evaluation
    mode for it, and then as it was.

    Args:
        model: on any device.
        images: a batch as the model takes it: normalised, float N×C×H×W.
        skip: leave out a layer that gives something else than one tensor, as an LSTM does; without it, an error.

    Returns:
        By layer, float N×C×H×W or N×F on the CPU: copies, so that no later layer changes them.

    Raises:
        ValueError: the images do not fit the model or are not normalised, the model's layers can't be watched, or,
            without `skip`, a layer gives something else than one tensor.
    """
    _check_images(images)
    maps: dict[str, Tensor] = {}

    def keep(name: str, layer: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        if skip and not isinstance(output, Tensor):
            return
        check_tensor(name, layer, output)
        runs = sum(key == name or key.startswith(f"{name} (") for key in maps)
        maps[f"{name} ({runs + 1})" if runs else name] = output.to("cpu", copy=True)

    model = bare(model)
    with at_work(model) as layers, torch.no_grad():
        inner = {name: layer for name, layer in layers.items() if name and type(layer).forward != nn.Sequential.forward}
        with hooked((layer, partial(keep, name)) for name, layer in inner.items()):
            forward(model, on_device(model, images))
    if not maps and not skip:
        raise ValueError(f"{type(model).__name__} calls no layer that it is made of, so there are no maps to keep")
    return maps


def grad_cam(model: nn.Module, images: Tensor, layer: str | None = None, target: int | Tensor | None = None) -> Tensor:
    """Heat maps: where the maps of a layer speak for a class.

    Each map of the layer is weighted by the mean of the class's gradient over the map; the weighted maps are added,
    and what is negative, which speaks for other classes, becomes 0. The gradient is that of the class's logit. Where
    the model ends with a softmax, log-softmax or sigmoid, as a layer or as a function, that is what comes into it, as
    in the source: behind it the gradient of a sure answer vanishes.

    Args:
        model: on any device; its parameters may be frozen. It stays as it is.
        images: a batch as the model takes it: normalised, float N×C×H×W.
        layer: the name of a layer that gives maps, as in `feature_maps`; by default the last one that gives maps of
            more than one pixel. A layer that runs several times counts with its last run.
        target: the class for all images, or one for each, int64 N; by default the class with the largest answer.

    Returns:
        Float N×H×W of the images' size on the CPU: at least 0, in the unit of the logit, not scaled to 1. The layer's
        small map is stretched over the image, bilinearly. So a pixel of it lies where it belongs only nearly: without
        padding the middles of its receptive fields are closer together.

    Raises:
        ValueError: the images do not fit the model or are not normalised; or there is no such layer or class: names
            those that there are; or the model's answers are not N×classes, or do not come from this layer; or they are
            probabilities whose logits can't be found, as the mean of several softmaxes.

    Source: Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", 2017.
    """
    _check_images(images)
    model = bare(model)
    maps = feature_maps(model, images[:2])
    layers = dict(named_layers(model))
    names = [name for name in maps if name in layers and maps[name].ndim == 4 and maps[name][0, 0].numel() > 1]
    layer = names[-1] if layer is None and names else layer
    if layer not in names:
        known = ", ".join(names) or "none"
        raise ValueError(f"{layer!r} is no layer that gives maps of more than one pixel. In this model: {known}.")
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: tuple[Any, ...], output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())  # gradients begin here, whether or not parameters are frozen
        return kept[-1].clone()  # the next layer may work in place

    with at_work(model), torch.enable_grad():
        with hooked([(layers[layer], keep)]):
            answers = forward(model, on_device(model, images))
        _check_answers(model, answers, len(images))
        target = answers.argmax(dim=1) if target is None else torch.as_tensor(target, device=answers.device)
        if target.ndim and len(target) != len(images):
            raise ValueError(f"target is one class, or one for each of the {len(images)} images, not {len(target)}")
        check_labels(target, classes=answers.shape[1])
        scores = answers.gather(1, target.expand(len(images))[:, None])
        with from_logits(answers):
            gradients = None
            if scores.requires_grad:  # N×C×h×w; no image depends on another
                [gradients] = torch.autograd.grad(scores.sum(), kept[-1], allow_unused=True)
    if gradients is None:
        raise ValueError(f"the model's answers do not depend on what layer {layer!r} gives: no map can be made of it")
    weights = gradients.mean(dim=(2, 3), keepdim=True)  # N×C×1×1
    heat = (weights * kept[-1].detach()).sum(dim=1, keepdim=True).relu()  # N×1×h×w
    return F.interpolate(heat, images.shape[2:], mode="bilinear")[:, 0].cpu()


def _check_images(images: Tensor) -> None:
    """Refuse what no model was trained on: bytes as they are in a file, or what are no numbers."""
    if not isinstance(images, Tensor):
        raise TypeError(f"give a batch of images as a tensor N×C×H×W, not a {type(images).__name__}")
    if len(images) == 0:
        raise ValueError("this batch has no images")
    if not images.is_floating_point():
        found = f"{str(images.dtype).removeprefix('torch.')} images"
    elif not images.isfinite().all():
        raise ValueError("these images have values that are infinite or no numbers")
    elif images.min() >= 0 and images.max() > LARGEST:
        found = f"images with values from {images.min():g} to {images.max():g}"
    else:
        return
    raise ValueError(
        f"these are {found}; a model takes them as it was trained: normalised, as a Loader gives them, or "
        "images.preprocessing.normalise(images.images)"
    )


def _check_answers(model: nn.Module, answers: object, number: int) -> None:
    if not isinstance(answers, Tensor) or answers.ndim != 2 or len(answers) != number:
        found = by(answers.shape) if isinstance(answers, Tensor) else f"a {type(answers).__name__}"
        raise ValueError(
            f"grad_cam needs one answer for each class, N×classes: for {number} images {type(model).__name__} gives "
            f"{found}"
        )
