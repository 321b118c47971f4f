"""The drawing pad in a notebook, with your own network: Python runs the model on each drawing, or on each picture."""

import io
from typing import Any

import anywidget
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnncourse._checks import forward
from cnncourse._model import bare, count_parameters, evaluating, on_device
from cnncourse._text import by, printable
from cnncourse.analysis import feature_maps
from cnncourse.data import ImageSet, Preprocessing
from cnncourse.handwriting import digit_image
from cnncourse.handwriting.digits import check_strokes
from cnncourse.pad._prepared import check_answer, check_sureness, preprocessing_of
from cnncourse.pad.page import JS, SCRIPTS


class DrawingPad(anywidget.AnyWidget):
    """A pad in a notebook, on which a network reads what you draw or the pictures that you open.

    A network for grey squares reads drawings, made into an image as MNIST's were; see
    `cnncourse.handwriting.digit_image`. Any network reads pictures from files, as `cnncourse.train.predict_file` does.
    Python makes the image and runs the model, which stays as it is, on its device and in its mode. It may train on in
    another cell: each drawing is read with the weights of that moment.

    Args:
        model: takes images N×C×H×W, grey or in colour, normalised as by `Loader`, and returns logits or
            log-probabilities, N×classes.
        preprocessing: how its images were prepared for training, or the images themselves; without it, what the model
            carries as its `preprocessing`.
        title: what the pad calls the network; without it, the model's class.
        temperature: what the logits are divided by before the softmax, as `cnncourse.analysis.fit_temperature` finds it
            on validation images; without it, what the model carries along, else 1.
        sure: below this probability of its answer the pad says that it is not sure; without it, what the
            model carries along, else 0, which is never.

    Attributes:
        strokes: the drawing, as `cnncourse.handwriting.digit_image` takes it. Set it, and the pad shows it.
        image: uint8 C×H×W. Of a drawing, 1×28×28 before it is resized for the model; of a picture, what the model got.
            None while there is neither.
        probabilities: float32, one for each class, of the image: softmax(logits / temperature); None while there is
            none.

    Raises:
        TypeError: the model is not an `nn.Module`, or the preprocessing is something else.
        ValueError: it is not known how the images are prepared, the model takes others or has other classes, or it
            returns probabilities; the temperature is not a finite number above 0, or sure is not from 0 to below 1;
            later, what `strokes` is set to is no drawing, or the model's answer is not finite.
    """

    _esm = "\n".join((JS / name).read_text(encoding="utf8") for name in (*SCRIPTS, "widget.js"))
    _css = (JS / "pad.css").read_text(encoding="utf8")

    def __init__(
        self,
        model: nn.Module,
        *,
        preprocessing: Preprocessing | ImageSet | None = None,
        title: str | None = None,
        temperature: float | None = None,
        sure: float | None = None,
    ):
        self._temperature, sure = check_sureness(model, temperature, sure)
        self.preprocessing = preprocessing_of(model, preprocessing)
        self.model = bare(model)  # layer by layer
        about = {"title": title or type(self.model).__name__, "sure": sure}
        self.network = _about(self.model, self.preprocessing) | about
        self._strokes: list[dict[str, Any]] = []
        self._picture: bytes | None = None  # the file, for a pad that is shown once more
        self._image: Tensor | None = None
        self._probabilities: Tensor | None = None
        super().__init__()
        self.on_msg(self._receive)

    @property
    def strokes(self) -> list[dict[str, Any]]:
        return self._strokes

    @strokes.setter
    def strokes(self, strokes: list[dict[str, Any]]) -> None:
        self._read(self._draw(strokes))
        self.send({"draw": strokes})

    @property
    def image(self) -> Tensor | None:
        return self._image

    @property
    def probabilities(self) -> Tensor | None:
        return self._probabilities

    def __repr__(self) -> str:
        return printable(f"The drawing pad of {self.network['title']}. Run this cell in a notebook, and draw here.")

    def _draw(self, strokes: list[dict[str, Any]]) -> Tensor | None:
        """Take a drawing; return the images that the model gets, 1×1×S×S, or None for an empty one."""
        channels, height, width = self.preprocessing.input_shape
        check_strokes(strokes)
        image = digit_image(strokes) if strokes else None
        if image is not None and (channels != 1 or height != width):
            raise ValueError(
                f"{self.network['name']} takes images of {by(self.preprocessing.input_shape)}, and a drawing is a grey "
                "square. Open a picture in the pad"
            )
        self._strokes, self._picture, self._image, self._probabilities = strokes, None, image, None
        if image is None:
            return None
        return F.interpolate(image[None], (height, width), mode="bilinear", antialias=True)

    def _open(self, picture: bytes) -> Tensor:
        """Take a picture's file; return the images that the model gets, 1×C×H×W."""
        prepared = self.preprocessing
        try:
            batch = prepared.read(io.BytesIO(picture))
        except OSError as error:
            raise ValueError("Python can't open this file as a picture; choose a PNG, JPEG or WebP file") from error
        mean, std = (torch.tensor(values)[:, None, None] for values in (prepared.mean, prepared.std))
        images = ((batch * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)  # as before it was normalised
        self._strokes, self._picture, self._image, self._probabilities = [], picture, images[0], None
        return images

    def _read(self, images: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Let the model answer to the one image: the batch that it gets, and its logits. None for no image."""
        if images is None:
            return None
        batch = self.preprocessing.normalise(images)
        logits = self._logits(batch)
        self._probabilities = self._softmax(logits)
        return batch, logits

    def _softmax(self, logits: Tensor) -> Tensor:
        logits = logits.double() - logits.max()  # a small temperature makes no infinite numbers of it
        return (logits / self._temperature).softmax(dim=0).float()

    def _numbers(self, logits: Tensor) -> dict[str, Any]:
        return {"logits": logits.tolist(), "probabilities": self._softmax(logits).tolist()}

    def _logits(self, batch: Tensor) -> Tensor:
        with evaluating(self.model), torch.inference_mode(False), torch.no_grad():
            logits = forward(self.model, on_device(self.model, batch))
        check_answer(self.model, logits, 1, self.preprocessing)
        return logits[0].float().cpu()

    def _receive(self, widget: object, message: dict[str, Any], buffers: list[memoryview]) -> None:
        """Answer a question of the pad in the browser, see pad/js/widget.js. An error goes there too."""
        try:
            answer, data = self._answer(message, buffers)
        except Exception as error:  # the model is anyone's code, and the pad goes on
            answer, data = {"error": f"{type(error).__name__}: {error}"}, []
        self.send(answer | {"question": message.get("question")}, data)

    def _answer(self, message: dict[str, Any], buffers: list[memoryview]) -> tuple[dict[str, Any], list[bytes]]:
        ask = message["ask"]
        if ask == "network":
            return {"network": self.network, "strokes": self.strokes}, [self._picture] if self._picture else []
        if ask == "pixels":  # an image that the pad itself has changed, in the size that the model takes
            pixels = torch.frombuffer(bytearray(buffers[0]), dtype=torch.uint8)
            logits = self._logits(self.preprocessing.normalise(pixels.view(1, *self.preprocessing.input_shape)))
            return self._numbers(logits) | {"outputs": []}, []
        images = self._open(bytes(buffers[0])) if ask == "picture" else self._draw(message["strokes"])
        read = self._read(images)
        if images is None or read is None:
            return {}, []
        batch, logits = read
        outputs, maps = self._outputs(batch)
        return self._numbers(logits) | {"outputs": outputs}, [*maps, images.numpy().tobytes()]

    def _outputs(self, batch: Tensor) -> tuple[list[dict[str, Any]], list[bytes]]:
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


def _about(model: nn.Module, preprocessing: Preprocessing) -> dict[str, Any]:
    """What the pad shows of a model, after a first answer to an empty image."""
    shape = preprocessing.input_shape
    with evaluating(model), torch.inference_mode(False), torch.no_grad():
        logits = forward(model, on_device(model, torch.zeros(1, *shape)))
    check_answer(model, logits, 1, preprocessing)
    name = type(model).__name__
    if len(preprocessing.classes) > 1 and (logits >= 0).all() and abs(logits.sum().item() - 1) < 1e-4:
        # the pad takes the softmax itself
        raise ValueError(f"{name} returns probabilities, but the pad needs logits: leave its softmax at the end away")
    return {
        "name": name,
        "inputShape": list(map(int, shape)),
        "classes": list(preprocessing.classes),
        "parameters": count_parameters(model),
    }
