"""Checks of the exercises: a wrong answer gets one friendly line instead of a trace.

A check is a function of the student's functions. It asserts, with a message for each mistake, prints a line that begins
with "Correct", and may return a figure. The decorator `check` runs it. `tensor` and `number` take an answer in
whatever form it comes.
"""

import copy
import functools
import inspect
import linecache
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cnncourse._text import by, printable


class NotDone(Exception):
    """Say that a function is still the stub that it was."""


def check(judge: Callable[..., Any] | None = None, *, returns: bool = True) -> Callable[..., Any]:
    """Make a check print its verdict: "Correct", "Not yet" with the reason, or "Not done yet" for a stub.

    The check gets the student's functions in a wrapping that turns their errors into words, and refuses to let them
    change what they were given. Random numbers start from seed 0 within a check; outside of it they go on as if there
    had been none.

    Args:
        judge: the check; its parameters are named as the student's functions are.
        returns: whether these return something. A function that does not may change what it is given.
    """
    if judge is None:
        return functools.partial(check, returns=returns)
    names = list(inspect.signature(judge).parameters)

    @functools.wraps(judge)
    def run(*answers: Any) -> Any:
        try:
            with _seeds_kept():
                return judge(*(_watched(name, answer, returns) for name, answer in zip(names, answers, strict=True)))
        except NotDone as stub:
            print(printable(f"Not done yet: {stub}"))
        except AssertionError as reason:
            print(printable(f"Not yet: {str(reason).splitlines()[0] if str(reason) else 'this is not right.'}"))
        except Exception as error:
            said = f"{type(error).__name__}: {_first_line(error)}"
            print(printable(f"Not yet: the check cannot use what {' or '.join(names)} gives. It stopped with {said}"))
        return None

    return run


def tensor(answer: Any, what: str, shape: Sequence[int] | None = None) -> Tensor:
    """Turn an answer into float32 on the CPU: a tensor, an array, a number, or a list of such.

    Args:
        answer: what a function of the student returned.
        what: the first words of the message if it cannot be turned, such as "The mean".
        shape: the shape that it should have.

    Raises:
        AssertionError: it is none of these, or has another shape.
    """
    found = _tensor(answer, what)
    if shape is not None:
        assert tuple(found.shape) == tuple(shape), f"{what} should be {by(shape)}, not {_kind(answer)}."
    return found.float()


def number(answer: Any, what: str) -> float:
    """Turn an answer into a plain number: an int, a float, a tensor or an array with one element.

    Raises:
        AssertionError: it is something else.
    """
    found = _tensor(answer, what)
    assert found.numel() == 1, f"{what} should be one number, not {_kind(answer)}."
    return float(found)


def pair(answer: Any, what: str) -> tuple[Any, Any]:
    """Take an answer apart that should have two parts.

    Raises:
        AssertionError: it has not.
    """
    message = f"{what} should be two values, with a comma between them, not {_kind(answer)}."
    assert isinstance(answer, (tuple, list, Tensor, np.ndarray)), message
    assert np.shape(answer)[:1] == (2,) if isinstance(answer, (Tensor, np.ndarray)) else len(answer) == 2, message
    return answer[0], answer[1]


def outputs(network: Any, inputs: Tensor, what: str = "The network") -> Tensor:
    """Give inputs to a network that a function of the student made.

    Raises:
        AssertionError: it is no network, or stops with an error.
    """
    assert isinstance(network, nn.Module), f"{what} should be a network, an nn.Module, not {_kind(network)}."
    try:
        with torch.no_grad():
            found = network(inputs)
    except Exception as error:
        said = f"{type(error).__name__}: {_first_line(error)}"
        raise AssertionError(f"{what} takes no input of {by(inputs.shape)}. It stops with {said}") from None
    return tensor(found, f"What {what[:1].lower()}{what[1:]} gives")


def _tensor(answer: Any, what: str) -> Tensor:
    message = f"{what} should be a number, a tensor or an array, not {_kind(answer)}."
    assert answer is not None, message
    if isinstance(answer, (list, tuple)):
        parts = [_tensor(part, what) for part in answer]
        assert len({part.shape for part in parts}) == 1, f"{what} should not be {_kind(answer)} that differ in shape."
        return torch.stack(parts)
    try:
        found = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(message) from None
    assert not found.is_complex(), message
    return found.detach().cpu().double()


def _kind(value: Any) -> str:
    """Name what an answer is, with its shape."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, (Tensor, np.ndarray)):
        name = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{name} of {by(value.shape)}" if value.ndim else f"{name} with one number"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"


@contextmanager
def _seeds_kept() -> Iterator[None]:
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


def _watched(name: str, function: Any, returns: bool) -> Callable[..., Any]:
    """A student's function whose errors are said in words, and which must return something and change nothing."""

    def call(*args: Any, **kwargs: Any) -> Any:
        assert callable(function), f"{name} should be a function, not {_kind(function)}."
        given = [*args, *kwargs.values()]
        before = [_content(value) for value in given] if returns else []
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            said = f"{type(error).__name__}: {_first_line(error)}"
            raise AssertionError(f"{name} stopped with {said}{_place(error, function)}") from None
        if returns:
            for value, content in zip(given, before, strict=True):
                message = f"{name} changes the {type(value).__name__} that it was given. Let it work on a copy."
                assert _same(_content(value), content), message
            if result is None:
                raise NotDone(f"{name} returns nothing.")
        return result

    return call


def _content(value: Any) -> Any:
    """What a function may not change of an argument; batch norm in training may change its running values."""
    if isinstance(value, nn.Module):
        return [*(layer.training for layer in value.modules()), *(p.detach().clone() for p in value.parameters())]
    if isinstance(value, Tensor):
        return value.detach().clone()
    return copy.deepcopy(value) if isinstance(value, (list, dict, np.ndarray)) else None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(((one == other) | (one != one)).all())
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def _first_line(error: Exception) -> str:
    return textwrap.shorten(str(error).strip().split("\n")[0], 160, placeholder=" …")


def _place(error: Exception, function: Callable[..., Any]) -> str:
    """The line of the student's function in which an error was raised, if it is known."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    trace, place = error.__traceback__, ""
    while trace:
        if code and trace.tb_frame.f_code.co_filename == code.co_filename:
            place = linecache.getline(code.co_filename, trace.tb_lineno).strip()
        trace = trace.tb_next
    return f", in the line `{place}`" if place else ""
