"""What does not fit together in a training, said in the user's words. `cnncourse.train` asks for these checks."""

from collections.abc import Iterable, Sized

from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """`model(images)`, with an error that names both shapes where the images do not fit."""
    try:
        return model(images)
    except RuntimeError as error:
        if images.ndim != 4:
            raise ValueError(
                f"a batch of images is N×C×H×W, but this is {_by(images.shape)}; image[None] is a batch of one image"
            ) from error
        expected, given = getattr(model, "input_shape", None), tuple(images.shape[1:])
        if expected is not None and given != tuple(expected):
            raise ValueError(
                f"{type(model).__name__} takes images of {_by(expected)}, but this batch has images of {_by(given)}. "
                "ImageSet.resize changes their size; the number of channels must be the model's."
            ) from error
        raise


def check_labels(labels: Tensor, classes: int) -> None:
    """Refuse labels that the model has no class for."""
    low, high = labels.aminmax()
    if low < 0 or high >= classes:
        raise ValueError(
            f"the model has {classes} classes, so labels go from 0 to {classes - 1}; "
            f"this batch has labels from {low} to {high}"
        )


def refuse_test_split(loader: object) -> None:
    """Refuse a loader, or a data set, of the test split."""
    # torchvision's data sets say `train=False`, an ImageSet says `split_name="test"`.
    if getattr(loader, "split_name", None) == "test" or getattr(loader, "train", None) is False:
        raise ValueError(
            "fit was given the test split. A model that was trained on it, or chosen by looking at it, can't be "
            "judged by it any more. Use ImageSet.split to make a validation part, and evaluate the test split once, "
            "at the end."
        )
    if hasattr(loader, "dataset"):  # a loader has a data set, and a torch Subset has the one that it is a part of
        refuse_test_split(loader.dataset)


def check_steps(scheduler: object, train: Iterable, epochs: int) -> None:
    """Refuse a scheduler that was made for another number of steps than this training has."""
    if isinstance(scheduler, OneCycleLR) and isinstance(train, Sized) and scheduler.total_steps != epochs * len(train):
        raise ValueError(
            f"the scheduler was made for {scheduler.total_steps} steps, but this run has {epochs * len(train)}: "
            f"{epochs} epochs of {len(train)} batches. Make it with total_steps={epochs * len(train)}."
        )


def _by(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape))
