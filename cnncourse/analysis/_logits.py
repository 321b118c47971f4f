"""The gradient of a logit, where a network's answers are probabilities made of logits."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor
from torch.autograd.graph import Node

# Steps between logits and answers, by their names in torch's graph: those that keep the values, and those that don't.
SQUASHING = {"Softmax", "LogSoftmax", "Sigmoid", "LogSigmoid"}
CURVES = SQUASHING | {"Log", "Log2", "Log10", "Exp", "Clamp", "ClampMin", "ClampMax"}
SHAPES = {"View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Select", "Slice", "Unbind", "Expand", "Alias"}
SHAPES |= {
    "T",
    "Transpose",
    "Permute",
    "Clone",
    "ToCopy",
    "Add",
    "Sub",
}  # a number may be added, as in (p + 1e-8).log()


@contextmanager
def from_logits(answers: Tensor) -> Iterator[None]:
    """Let gradients pass what made answers of logits, as if it were not there.

    Raises:
        ValueError: the answers are probabilities, but it can't be seen what made them.
    """
    passed: list[Node] = []
    waiting: list[Node] = []
    node = answers.grad_fn
    while node is not None and (kind := node.name().rstrip("0123456789").removesuffix("Backward")) in SHAPES | CURVES:
        if kind in CURVES:
            waiting.append(node)
        if kind in SQUASHING:  # only what comes after it belongs to it
            passed, waiting = passed + waiting, []
        before = [earlier for earlier, _ in node.next_functions if earlier is not None]
        node = before[0] if len(before) == 1 else None
    if not passed:
        _refuse_probabilities(answers.detach())
    handles = [node.register_hook(lambda gradients, given: given) for node in passed]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _refuse_probabilities(answers: Tensor) -> None:
    for probabilities in (answers, answers.exp()):
        if probabilities.min() >= 0 and (probabilities.sum(dim=1) - 1).abs().max() < 1e-4 and answers.shape[1] > 1:
            raise ValueError(
                "the model's answers are probabilities, and it can't be seen how they were made of logits: behind a "
                "softmax the gradient of a sure answer vanishes. Let the model give its logits."
            )
