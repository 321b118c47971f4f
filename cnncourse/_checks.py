"""What does not fit together in a training, said in the user's words. `cnncourse.train` asks for these checks."""

from collections.abc import Iterable, Sized
from traceback import walk_tb

from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from cnncourse._text import by


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """`model(images)`, with an error that names both shapes where the images are not those the model was made for.

    Where a feature map has become smaller than a kernel, the error names the layer, the map's size and the kernel's.
    """
    expected, given = getattr(model, "input_shape", None), tuple(images.shape[1:])
    other_size = (
        f"{type(model).__name__} takes images of {by(expected or ())}, but this batch has images of {by(given)}. "
    )
    way_out = "ImageSet.resize changes their size; the number of channels must be the model's."
    try:
        logits = model(images)
    except RuntimeError as error:
        if images.ndim != 4:
            raise ValueError(
                f"a batch of images is N×C×H×W, but this is {by(images.shape)}; image[None] is a batch of one image"
            ) from error
        too_small = _too_small(model, error)
        if expected is not None and given != tuple(expected):
            raise ValueError(f"{other_size}{too_small}{way_out}") from error
        if too_small:
            raise ValueError(
                f"{too_small}Give larger images, or take away layers that make the map smaller."
            ) from error
        raise
    if expected is not None and given != tuple(expected):  # it computes, but with maps that it was not trained for
        raise ValueError(f"{other_size}{way_out}")
    return logits


def _too_small(model: nn.Module, error: RuntimeError) -> str:
    """A sentence about the layer whose kernel was larger than its map, if that is what torch's error says."""
    if "Kernel size can't be greater" not in str(error) and "Output size is too small" not in str(error):
        return ""
    sentence = ""
    for frame, _ in walk_tb(error.__traceback__):  # the calls from here down to the layer that failed
        layer, given = frame.f_locals.get("self"), frame.f_locals.get("input")
        if hasattr(layer, "kernel_size") and isinstance(given, Tensor):
            name = next(name for name, module in model.named_modules() if module is layer)
            kernel = layer.kernel_size
            kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            sentence = (
                f"Layer {name} ({type(layer).__name__}) gets a map of {by(given.shape[2:])}, "
                f"too small for a kernel of {by(kernel)}. "
            )
    return sentence


def check_batch(labels: object) -> None:
    """Refuse what a data set gives for one image, where a loader gives batches."""
    if not isinstance(labels, Tensor):
        raise TypeError("images must come in batches: give a Loader(images, batch_size), not the images themselves")


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
