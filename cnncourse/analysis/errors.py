"""What a network gets wrong: image by image, and counted by pairs of classes."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnncourse._batches import NO_BATCH, Batches, as_images, as_labels, check_order, pairs
from cnncourse._checks import check_labels
from cnncourse._text import Table
from cnncourse.train import predict

SHOWN = 20  # rows of a printed table


class Mistake(NamedTuple):
    """A row of `misclassified`: an image's index in its data set, its label, the answer, and the answer's probability.

    Label and answer are indices of classes.
    """

    index: int  # type: ignore[assignment]  # a tuple's method has this name too
    label: int
    prediction: int
    probability: float


class Mistakes(list[Mistake]):
    """One `Mistake` for each image that a network gets wrong. Printed, it is a table of the first 20 of them."""

    def __init__(self, rows: Iterable[Mistake], classes: tuple[str, ...] | None = None):
        super().__init__(rows)
        self.classes = classes

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return Mistakes(found, self.classes) if isinstance(place, slice) else found

    def __repr__(self) -> str:
        def name(label: int) -> str:
            return self.classes[label] if self.classes else str(label)

        rows = [
            [str(row.index), name(row.label), name(row.prediction), f"{row.probability:.1%}"]
            for row in list.__getitem__(self, slice(SHOWN))
        ]
        more = f"\nand {len(self) - SHOWN:,} more" if len(self) > SHOWN else ""
        return repr(Table([list(Mistake._fields), *rows])) + more


def misclassified(model: nn.Module, loader: Batches) -> Mistakes:
    """The images that a network gets wrong, those about which it is most confident first.

    Args:
        model: gives logits or log probabilities. It does not change.
        loader: goes through its data set in order, without augmentation.

    Returns:
        A list with a `Mistake` for each such image. Printed, it is a table.

    Raises:
        ValueError: the loader shuffles, so that an index would not tell which image it is; or it augments, so that
            the image was another one when the network saw it; or it gives no batch, or batches that do not fit the
            model.
    """
    check_order(loader)
    if getattr(loader, "augment", None) is not None:
        raise ValueError(
            "this loader augments, so the network would be judged on images that you can't look at: "
            "make one without augment"
        )
    labels, probabilities = _answers(model, loader)
    confidence, predictions = probabilities.max(dim=1)
    wrong = (predictions != labels).nonzero()[:, 0]
    order = wrong[confidence[wrong].argsort(descending=True, stable=True)]
    columns = (values[order].tolist() for values in (labels, predictions, confidence))
    rows = [Mistake(*row) for row in zip(order.tolist(), *columns, strict=True)]
    return Mistakes(rows, getattr(getattr(loader, "dataset", None), "classes", None))


def confusion_matrix(model: nn.Module, loader: Batches) -> Tensor:
    """How many images of each class got which answer: int64 classes×classes, a row a label, a column an answer.

    What is right stands on the diagonal. The numbers are scikit-learn's.

    Args:
        model: gives logits or log probabilities, one a class. It does not change.
        loader: any; also one that shuffles or augments.

    Raises:
        ValueError: the loader gives no batch, or batches that do not fit the model.
    """
    labels, probabilities = _answers(model, loader)
    classes = probabilities.shape[1]
    return torch.bincount(labels * classes + probabilities.argmax(dim=1), minlength=classes**2).view(classes, classes)


def _answers(model: nn.Module, loader: Batches) -> tuple[Tensor, Tensor]:
    """Labels, int64 N, and probabilities, N×classes, in the loader's order."""
    labels, probabilities = [], []
    for images, batch_labels in pairs(loader):
        probabilities.append(predict(model, as_images(images, model)))
        labels.append(as_labels(batch_labels, len(probabilities[-1]), probabilities[-1].device))
        check_labels(labels[-1], classes=probabilities[-1].shape[1])
    if not labels:
        raise ValueError(NO_BATCH)
    return torch.cat(labels), torch.cat(probabilities)
