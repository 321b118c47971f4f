"""What the layers of a network make of an image, and which part of the image its answer comes from."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnncourse._checks import check_labels, forward
from cnncourse._model import evaluating, on_device
from cnncourse.analysis._watch import check_tensor


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
        ValueError: the images do not fit the model, or, without `skip`, a layer gives something else than one tensor.
    """
    maps: dict[str, Tensor] = {}

    def keep_as(name: str):
        def keep(layer: nn.Module, given: tuple, output: Tensor) -> None:
            if skip and not isinstance(output, Tensor):
                return
            check_tensor(name, layer, output)
            runs = sum(key == name or key.startswith(f"{name} (") for key in maps)
            maps[f"{name} ({runs + 1})" if runs else name] = output.to("cpu", copy=True)

        return keep

    hooks = []
    with evaluating(model), torch.inference_mode(False), torch.no_grad():
        try:
            for name, layer in model.named_modules():
                if name and type(layer).forward is not nn.Sequential.forward:
                    hooks.append(layer.register_forward_hook(keep_as(name)))
            forward(model, on_device(model, images))
        finally:
            for hook in hooks:
                hook.remove()
    return maps


def grad_cam(model: nn.Module, images: Tensor, layer: str | None = None, target: int | Tensor | None = None) -> Tensor:
    """Heat maps: where the maps of a layer speak for a class.

    Each map of the layer is weighted by the mean of the class's gradient over the map; the weighted maps are added,
    and what is negative, which speaks for other classes, becomes 0. The gradient is that of the class's logit. Where
    the model ends with a softmax or log-softmax layer, that is what comes into this layer, as in the source: behind it
    the gradient of a sure answer vanishes.

    Args:
        model: on any device; its parameters may be frozen. It stays as it is.
        images: a batch as the model takes it: normalised, float N×C×H×W.
        layer: the name of a layer that gives maps, as in `feature_maps`; by default the last one that gives maps of
            more than one pixel. A layer that runs several times counts with its last run.
        target: the class for all images, or one for each, int64 N; by default the class with the largest logit.

    Returns:
        Float N×H×W of the images' size on the CPU: at least 0, in the unit of the logit, not scaled to 1. The layer's
        small map is stretched over the image, bilinearly. So a pixel of it lies where it belongs only nearly: without
        padding the middles of its receptive fields are closer together.

    Raises:
        ValueError: the images do not fit the model, or there is no such layer or class; names those that there are.

    Source: Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", 2017.
    """
    maps = feature_maps(model, images[:1])
    layers = dict(model.named_modules())
    names = [name for name in maps if name in layers and maps[name].ndim == 4 and maps[name][0, 0].numel() > 1]
    layer = names[-1] if layer is None and names else layer
    if layer not in names:
        known = ", ".join(names) or "none"
        raise ValueError(f"{layer!r} is no layer that gives maps of more than one pixel. In this model: {known}.")
    kept = []

    def keep(module: nn.Module, given: tuple, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())  # gradients begin here, whether or not parameters are frozen
        return kept[-1].clone()  # the next layer may work in place

    last = list(layers.values())[-1]
    hooks = [layers[layer].register_forward_hook(keep)]
    if isinstance(last, nn.LogSoftmax | nn.Softmax):
        hooks.append(last.register_forward_hook(lambda module, given, output: given[0]))
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        try:
            logits = forward(model, on_device(model, images))
        finally:
            for hook in hooks:
                hook.remove()
        target = logits.argmax(dim=1) if target is None else torch.as_tensor(target, device=logits.device)
        if target.ndim and len(target) != len(images):
            raise ValueError(f"target is one class, or one for each of the {len(images)} images, not {len(target)}")
        check_labels(target, classes=logits.shape[1])
        scores = logits.gather(1, target.expand(len(images))[:, None])
        [gradients] = torch.autograd.grad(scores.sum(), kept[-1])  # N×C×h×w; no image depends on another
    weights = gradients.mean(dim=(2, 3), keepdim=True)  # N×C×1×1
    heat = (weights * kept[-1].detach()).sum(dim=1, keepdim=True).relu()  # N×1×h×w
    return F.interpolate(heat, images.shape[2:], mode="bilinear")[:, 0].cpu()
