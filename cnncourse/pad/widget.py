"""The drawing pad in a notebook, with your own network: Python runs the model on each drawing."""

import anywidget
import torch
from torch import Tensor, nn

from cnncourse._checks import forward
from cnncourse._model import bare, count_parameters, evaluating, image_shape, on_device
from cnncourse._text import by, printable
from cnncourse.analysis import feature_maps
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Loader
from cnncourse.pad.digits import digit_image
from cnncourse.pad.page import JS, SCRIPTS, check_pad_images


class DrawingPad(anywidget.AnyWidget):
    """A pad to draw digits on, in a notebook. Python makes the image of the drawing and runs the model on it.

    The model stays as it is, on its device and in its mode. It may train on in another cell: each drawing is read with
    the weights of that moment.

    Args:
        model: takes images N×1×S×S, normalised as by `Loader`, and returns logits or log-probabilities, N×classes.
        data: "MNIST" or "FashionMNIST": the set that it was trained on, for mean, std and classes.
        title: what the pad calls the network; without it, the model's class.
        input_shape: C×H×W of an image; without it, the model's own `input_shape`, else 1×28×28.

    Attributes:
        strokes: the drawing, as `cnncourse.pad.digits.digit_image` takes it. Set it, and the pad shows it.
        image: uint8 1×28×28, the image of the drawing; None for an empty one.
        probabilities: float32, one for each class, of the image; None for an empty drawing.

    Raises:
        TypeError: the model is not an `nn.Module`.
        ValueError: the model takes other images than the pad makes, has other classes than the data, or returns
            probabilities; later, what `strokes` is set to is no drawing, or the model's answer is not finite.
    """

    _esm = "\n".join((JS / name).read_text(encoding="utf8") for name in (*SCRIPTS, "widget.js"))
    _css = (JS / "pad.css").read_text(encoding="utf8")

    def __init__(
        self,
        model: nn.Module,
        *,
        data: str = "MNIST",
        title: str | None = None,
        input_shape: tuple[int, int, int] | None = None,
    ):
        model = bare(model)  # layer by layer
        self.network = _check(model, data, input_shape) | {"title": title or type(model).__name__}
        self.model, self.data = model, data
        self._strokes, self._image, self._probabilities = [], None, None
        super().__init__()
        self.on_msg(self._receive)

    @property
    def strokes(self) -> list[dict]:
        return self._strokes

    @strokes.setter
    def strokes(self, strokes: list[dict]) -> None:
        self._draw(strokes)
        self.send({"draw": strokes})

    @property
    def image(self) -> Tensor | None:
        return self._image

    @property
    def probabilities(self) -> Tensor | None:
        return self._probabilities

    def __repr__(self) -> str:
        return printable(f"The drawing pad of {self.network['title']}. Run this cell in a notebook, and draw here.")

    def _draw(self, strokes: list[dict]) -> Tensor | None:
        """Take a drawing; its logits, or None for an empty one."""
        empty = isinstance(strokes, list | tuple) and not strokes
        self._image = None if empty else digit_image(strokes)  # which refuses what is no drawing, None or "" too
        self._strokes, self._probabilities = strokes, None
        if empty:
            return None
        logits = self._logits(self._batch(self._image))
        self._probabilities = logits.softmax(dim=0)
        return logits

    def _batch(self, image: Tensor) -> Tensor:
        """The image as the model takes it, resized and normalised as the images that it was trained on: 1×1×S×S."""
        images = ImageSet(image[None], torch.tensor([0]), CLASSES[self.data], *STATISTICS[self.data])
        [[batch, _]] = Loader(images.resize(self.network["inputShape"][1]), batch_size=1)
        return batch

    def _logits(self, batch: Tensor) -> Tensor:
        with evaluating(self.model), torch.inference_mode(False), torch.no_grad():
            logits = forward(self.model, on_device(self.model, batch))[0].float().cpu()
        if not logits.isfinite().all():
            raise ValueError("the model's answer is not a number. Train it again, with a smaller learning rate.")
        return logits

    def _receive(self, widget: object, message: dict, buffers: list) -> None:
        """Answer a question of the pad in the browser, see pad/widget.js. An error goes there too."""
        try:
            answer, maps = self._answer(message, buffers)
        except Exception as error:  # the model is anyone's code, and the pad goes on
            answer, maps = {"error": f"{type(error).__name__}: {error}"}, []
        self.send(answer | {"question": message.get("question")}, maps)

    def _answer(self, message: dict, buffers: list) -> tuple[dict, list[bytes]]:
        if message["ask"] == "network":
            return {"network": self.network, "strokes": self.strokes}, []
        if message["ask"] == "pixels":  # an image that the pad itself has changed, in the size that the model takes
            pixels = torch.frombuffer(bytearray(buffers[0]), dtype=torch.uint8)
            logits, (outputs, maps) = self._logits(self._batch(pixels.reshape(self.network["inputShape"]))), ([], [])
        else:
            logits = self._draw(message["strokes"])
            if logits is None:
                return {}, []
            outputs, maps = self._outputs(self._batch(self._image))
        return {"outputs": outputs, "logits": logits.tolist(), "probabilities": logits.softmax(dim=0).tolist()}, maps

    def _outputs(self, batch: Tensor) -> tuple[list[dict], list[bytes]]:
        """What each layer gives: its numbers as bytes from -127 to 127, which stands for the layer's largest.

        Layers that give no numbers of the one image, as an LSTM or a loss, are left out.
        """
        outputs, maps = [], []
        for name, values in feature_maps(self.model, batch, skip=True).items():
            if values.ndim < 2 or len(values) != 1 or values.numel() == 0:
                continue
            values = values[0].float().nan_to_num(0, 0, 0)
            largest = values.abs().max().item()
            kind = type(self.model.get_submodule(name.split(" (")[0])).__name__
            outputs.append({"name": name, "type": kind, "shape": list(values.shape), "largest": largest})
            maps.append((values * (127 / (largest or 1))).round().to(torch.int8).numpy().tobytes())
        return outputs, maps


def _check(model: nn.Module, data: str, input_shape: tuple[int, ...] | None) -> dict:
    """What the pad has to know of a model, or an error that says why it can't take it."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"the pad takes a model, an nn.Module, not a {type(model).__name__}")
    if data not in CLASSES:
        raise ValueError(f'there is no data set "{data}"; take one of {", ".join(CLASSES)}')
    name, classes = type(model).__name__, CLASSES[data]
    shape = image_shape(model, input_shape or getattr(model, "input_shape", (1, 28, 28)))
    check_pad_images(name, shape)
    if len(STATISTICS[data][0]) != 1:
        raise ValueError(
            f"the pad draws grey images, but those of {data} have {len(STATISTICS[data][0])} channels; "
            "say with data= what the model was trained on"
        )
    with evaluating(model), torch.inference_mode(False), torch.no_grad():
        logits = forward(model, on_device(model, torch.zeros(1, *shape)))
    if not isinstance(logits, Tensor) or logits.shape != (1, len(classes)):
        found = by(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise ValueError(
            f"for one image {name} returns {found}, but {data} has {len(classes)} classes: 1×{len(classes)}"
        )
    if (logits >= 0).all() and abs(logits.sum().item() - 1) < 1e-4:  # the pad takes the softmax itself
        raise ValueError(f"{name} returns probabilities, but the pad needs logits: leave its softmax at the end away")
    parameters = count_parameters(model)
    return {"name": name, "inputShape": list(shape), "classes": list(classes), "parameters": parameters}
