"""A trained network as one JSON file, which the drawing pad runs in the browser, without a server.

torch.fx writes down the steps of `forward`; each becomes a layer of the file, which `cnncourse/pad/js/network.js` runs.
The file holds {"format": "cnncourse-network", "version": 1, "name", "parameters", "input": {"shape": C×H×W, "mean",
"std": of each channel, with pixels from 0 to 1}, "classes", "temperature", "sure", "layers"}; C is 1 (grey) or 3 (red,
green, blue). The probabilities are softmax(logits / temperature), and an answer that is less probable than "sure" is
shown as not sure; a file of an older edition has neither, which means 1 and 0. A layer has a "name", a "type" (torch's
class), "inputs" (names of layers before it, or "input"), a "shape" (without the batch), and its attributes by torch's
names. Weights are float32, little-endian, in torch's order, in base64. The last layer gives one number for each class.
"""

import base64
import copy
import inspect
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from cnncourse._checks import forward
from cnncourse._files import write_whole
from cnncourse._model import bare, count_parameters
from cnncourse._text import by
from cnncourse.data import ImageSet, Preprocessing
from cnncourse.pad._prepared import check_answer, check_sureness, preprocessing_of
from cnncourse.pad.export_layers import LAYERS, OPERATIONS, VANISH, attributes, kind_of, same

FORMAT, VERSION = "cnncourse-network", 1


def web_network(
    model: nn.Module,
    *,
    preprocessing: Preprocessing | ImageSet | None = None,
    title: str | None = None,
    temperature: float | None = None,
    sure: float | None = None,
) -> dict[str, Any]:
    """Write a network down as the drawing pad's JSON: a dict of plain values. The model stays as it is.

    Batch norm directly after a convolution is folded into it: the layer keeps the convolution's name, and has the
    other under "batch_norm". Other batch norm becomes a scale and a shift for each channel. Dropout and identities
    vanish.

    Args:
        model: takes images N×C×H×W, grey or in colour, and returns one number for each class, N×classes.
        preprocessing: how its images were prepared for training, or the images themselves; without it, what the model
            carries as its `preprocessing`.
        title: what the page calls the network; without it, the model's class.
        temperature: what the page divides the logits by before its softmax, as
            `cnncourse.analysis.fit_temperature` finds it on validation images; without it,
            what a model of the course carries along, else 1. The layers stay as they are.
        sure: below this probability of its answer the page says that it is not sure; without it, what the
            model carries along, else 0, which is never.

    Returns:
        The dict that the docstring of this module describes.

    Raises:
        TypeError: the model is not an `nn.Module`, or the preprocessing is something else.
        ValueError: it is not known how the images are prepared, or the page can't run this model; names the layer or
            the operation, and says what to do. Or the temperature is not a finite number above 0, or sure is not from
            0 to below 1.

    Source: folding is described in Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", 2018, section 3.2.
    """
    temperature, sure = check_sureness(model, temperature, sure)
    prepared = preprocessing_of(model, preprocessing)
    shape = prepared.input_shape
    try:
        # forward can't be traced through what torch.compile puts around the model
        model = copy.deepcopy(bare(model)).cpu().float().eval()
    except RuntimeError as error:
        raise ValueError(f"the model can't be copied: {error}. Make a new one and load its state_dict().") from error
    _check_weights(model)  # as float32: a large float64 becomes infinite
    images = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(False), torch.no_grad():
        try:
            logits = forward(model, images)
        except RuntimeError as error:
            raise ValueError(
                f"the model can't take images of {by(shape)}: {error}. Give with preprocessing= the images that it "
                "was trained on."
            ) from error
        check_answer(model, logits, len(images), prepared)
        layers = _layers(model, images, logits)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": str(title or type(model).__name__),
        "parameters": count_parameters(model),
        "input": {  # NumPy's numbers become Python's, which JSON can write
            "shape": list(map(int, shape)),
            "mean": list(map(float, prepared.mean)),
            "std": list(map(float, prepared.std)),
        },
        "classes": list(prepared.classes),
        "temperature": temperature,
        "sure": sure,
        "layers": [{key: _plain(value) for key, value in layer.items() if value is not None} for layer in layers],
    }


def export_web(
    model: nn.Module,
    path: str | Path,
    *,
    preprocessing: Preprocessing | ImageSet | None = None,
    title: str | None = None,
    temperature: float | None = None,
    sure: float | None = None,
) -> Path:
    """Write a network to a JSON file, which the page of the drawing pad opens under "Use your own network".

    The arguments are those of `web_network`. The file appears whole or not at all.

    Returns:
        The file's path.

    Raises:
        TypeError: the model is not an `nn.Module`, or the preprocessing is something else.
        ValueError: it is not known how the images are prepared, or the page can't run this model; names the layer or
            the operation, and says what to do. Or the temperature is not a finite number above 0, sure is not from 0 to
            below 1, or the path is not the name of a file.
        OSError: the file can't be written. The file from before is still there.
    """
    network = web_network(model, preprocessing=preprocessing, title=title, temperature=temperature, sure=sure)
    return write_whole(path, json.dumps(network, ensure_ascii=False))


def _check_weights(model: nn.Module) -> None:
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if is_lazy(tensor):
            raise ValueError(f"{name} has no shape yet; give the model a batch of images, then train it")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} has numbers that are infinite or NaN; train again, with a smaller learning rate")


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return kind_of(module) is not None or super().is_leaf_module(module, name)


class _Recorder(fx.Interpreter):
    """Runs the steps and keeps what each gives, as it is before a later step may change it in place."""

    def run_node(self, node: fx.Node) -> object:
        value = super().run_node(node)
        node.meta["value"] = value.clone() if isinstance(value, Tensor) else value
        return value


def _layers(model: nn.Module, images: Tensor, logits: Tensor) -> list[dict[str, Any]]:
    """The layers that lead to the model's output, each after its inputs, with weights as tensors."""
    try:
        _, *others = inspect.signature(model.forward).parameters.values()
        options = {other.name: other.default for other in others if other.default is not other.empty}
        traced = fx.GraphModule(model, _Tracer().trace(model, options))
        output = _Recorder(traced).run(images)
    except Exception as error:  # forward is anyone's code
        raise ValueError(
            f"the steps of forward can't be written down: {error}. Let forward only call layers and functions; "
            "what it does may not depend on the images (if, for, while, len, int)."
        ) from error

    layers: dict[fx.Node, dict[str, Any]] = {}  # the layer of each step
    names = ["input"]
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            layers[node] = {"name": "input"}
        elif node.op == "output":
            needed = [layers[node.args[0]]["name"]]
        elif isinstance(node.meta["value"], Tensor):  # steps on plain numbers, such as a shape, are not for the page
            layer, inputs, found = _layer(node, traced)
            kind = kind_of(layer)
            if kind is None or kind in VANISH:
                node.replace_all_uses_with(inputs[0])
                traced.graph.erase_node(node)
                continue
            source, name = layers[inputs[0]], node.target if node.op == "call_module" else node.name
            if isinstance(layer, nn.BatchNorm2d) and source.get("type") == "Conv2d" and len(inputs[0].users) == 1:
                source |= _folded(source, found) | {"batch_norm": name}
                layers[node] = source
                continue
            names.append(name)
            layers[node] = {
                "name": name if names.count(name) == 1 else f"{name} ({names.count(name)})",  # a layer that runs again
                "type": kind.__name__,
                "inputs": [layers[each]["name"] for each in inputs],
                "shape": list(node.meta["value"].shape[1:]),
                **found,
            }
    if not same(output, logits):
        raise ValueError("a hook, or a change in place (inplace=True, +=), changes what the model gives; take it away")

    used: list[dict[str, Any]] = []
    for step in reversed({step["name"]: step for step in layers.values()}.values()):
        if step["name"] in needed and step["name"] != "input":
            needed += step["inputs"]
            used.insert(0, step)
    return used


def _layer(node: fx.Node, traced: fx.GraphModule) -> tuple[nn.Module, list[fx.Node], dict[str, Any]]:
    """The layer that does what a step does, the steps that give it its maps, and what the page has to know of it."""
    given = [*node.args, *node.kwargs.values()]
    inputs = [each for each in given if isinstance(each, fx.Node) and isinstance(each.meta["value"], Tensor)]
    maps = [each.meta["value"].clone() for each in inputs]
    if node.op == "call_module":
        layer = traced.get_submodule(str(node.target))
        where, runs = f"{node.target} ({type(layer).__name__})", kind_of(layer) is not None
    else:
        operation = str(getattr(node.target, "__name__", node.target))
        where, runs = f"the operation {operation}", node.op != "get_attr" and operation in OPERATIONS
    if not runs:
        known = ", ".join(kind.__name__ for kind in LAYERS)
        raise ValueError(f"the page can't run {where}. Use layers that it can run, or their functions: {known}.")
    try:
        if node.op != "call_module":
            numbers = [each for each in node.args if each not in inputs]
            options = {key: each for key, each in node.kwargs.items() if each not in inputs}
            numbers, options = fx.node.map_arg((numbers, options), lambda each: each.meta["value"])
            layer = OPERATIONS[operation](*numbers, **options)
        return layer, inputs, attributes(layer, maps, node.meta["value"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"the page can't run {where} as it is here: {error}.") from error


def _folded(convolution: dict[str, Any], norm: dict[str, Any]) -> dict[str, Any]:
    """The convolution's weights with the scale and shift of the batch norm that follows, in float64 until written."""
    scale, shift = norm["weight"], norm["bias"]
    bias = 0 if convolution["bias"] is None else convolution["bias"].double() * scale
    return {"weight": convolution["weight"].double() * scale[:, None, None, None], "bias": bias + shift}


def _plain(value: object) -> object:
    if not isinstance(value, Tensor):
        return value
    return base64.b64encode(value.detach().float().contiguous().numpy().astype("<f4").tobytes()).decode()
