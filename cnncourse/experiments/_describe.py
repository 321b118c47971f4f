"""Writing settings down as plain values, so that settings that differ never look alike.

A class or a function of the course or of torch is written as its name, others with their module. What a student defined
in a notebook, a lambda, and a function inside another one have names that say little; so a fingerprint of their code,
and of what it uses, stands beside the name.
"""

import dis
import hashlib
import math
import sys
from collections.abc import Iterable
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cnncourse.data import ImageSet

NAMES_ALONE = ("cnncourse", "torch")
MODULE_PARTS = vars(nn.Module()).keys()  # what every layer has: its tables of parameters and hooks


def describe(value: object) -> Any:
    """Return a setting as a plain value that JSON can keep: a number, a text, or a list of them.

    Raises:
        ValueError: it can't be told from others of its kind.
    """
    if isinstance(value, np.generic) or (isinstance(value, Tensor | np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    return _text(value, ())


def fingerprint(parts: Iterable[bytes | str]) -> str:
    """Return 16 digits that other parts would not have: the beginning of their SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


def _text(value: object, outer: tuple[object, ...]) -> str:
    """Return a value as a text, as a part of those in `outer`."""
    if any(value is each for each in outer):
        return "itself"
    inner = (*outer, value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if value is None or isinstance(value, bool | int | float | str | bytes | complex | torch.dtype | torch.device):
        return repr(value)
    if isinstance(value, partial):
        arguments = [_text(argument, inner) for argument in value.args] + _pairs(value.keywords, inner)
        return f"{_text(value.func, inner)}({', '.join(arguments)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(item, inner) for item in value)}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(_text(item, inner) for item in value))}}}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key, inner)}: {_text(item, inner)}' for key, item in value.items())}}}"
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, Tensor | np.ndarray):
        return _array(value)
    if isinstance(value, ImageSet):
        return _image_set(value)
    if isinstance(value, MethodType):
        return f"{_text(value.__self__, inner)}.{value.__name__}"
    if isinstance(value, type | FunctionType | BuiltinFunctionType) or hasattr(value, "__qualname__"):
        return _named(value, inner)
    return _instance(value, inner)


def _pairs(values: dict[str, Any], outer: tuple[object, ...]) -> list[str]:
    return [f"{name}={_text(value, outer)}" for name, value in values.items()]


def _array(value: Tensor | np.ndarray) -> str:
    """A few numbers themselves, many by their fingerprint."""
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    if array.size <= 20:
        return f"{type(value).__name__}({array.tolist()})"
    digits = fingerprint([str(array.dtype), str(array.shape), np.ascontiguousarray(array).tobytes()])
    return f"{type(value).__name__}(shape={list(array.shape)}, {digits})"


def _image_set(images: ImageSet) -> str:
    parts = [images.images, images.labels, images.classes, images.mean, images.std]
    digits = fingerprint(part.numpy().tobytes() if isinstance(part, Tensor) else repr(part) for part in parts)
    shape = ", ".join(map(str, images.images.shape))
    return f"{images.name or 'ImageSet'}({images.split_name}, [{shape}], {len(images.classes)} classes, {digits})"


def _named(value: Any, outer: tuple[object, ...]) -> str:
    """A class or a function: its name where an import finds it, with its code where it is the reader's own."""
    module = getattr(value, "__module__", None) or ""
    found: Any = sys.modules.get(module)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is value and module != "__main__":
        alone = module.split(".")[0] in NAMES_ALONE or module == "builtins"
        return value.__qualname__ if alone else f"{module}.{value.__qualname__}"
    if isinstance(value, BuiltinFunctionType):
        return value.__qualname__
    if not isinstance(value, type | FunctionType) and hasattr(value, "__wrapped__"):
        return f"{type(value).__name__}({_text(value.__wrapped__, outer)})"
    if not isinstance(value, type | FunctionType):
        raise ValueError(f"{value!r} can't be told from others of its kind; give a function or a class")
    return f"{value.__name__} [code {fingerprint(_code(value, outer))}]"


def _instance(value: object, outer: tuple[object, ...]) -> str:
    """An object: its class and its attributes; of a layer also its parameters and the layers in it."""
    if not hasattr(value, "__dict__"):
        text = repr(value)
        if " at 0x" in text:
            raise ValueError(f"{text} can't be told from others of its kind; give a function, a class or a partial")
        return text
    attributes = dict(vars(value))
    if isinstance(value, nn.Module):
        attributes = {name: each for name, each in attributes.items() if name not in MODULE_PARTS}
        attributes |= {name: each for part in (value._parameters, value._buffers) for name, each in part.items()}
        attributes |= value._modules
    return f"{_text(type(value), outer)}({', '.join(_pairs(attributes, outer))})"


def _code(value: Any, outer: tuple[object, ...]) -> Iterable[str]:
    """What a function does or a class holds, with the settings, functions and classes that it uses."""
    if isinstance(value, type):
        yield from (_text(base, outer) for base in value.__bases__)
        for name, each in vars(value).items():
            each = getattr(each, "__func__", getattr(each, "fget", each))
            if isinstance(each, FunctionType):
                yield name
                yield from _code(each, (*outer, each))
            elif not name.startswith("__"):
                yield f"{name}={_used(each, outer)}"
        return
    yield from _instructions(value.__code__)
    yield _used((value.__defaults__, value.__kwdefaults__), outer)
    for cell in value.__closure__ or ():
        yield _used(cell.cell_contents, outer)
    for name in sorted(_global_names(value.__code__) & value.__globals__.keys()):
        yield f"{name}={_used(value.__globals__[name], outer)}"


def _instructions(code: CodeType) -> Iterable[str]:
    yield repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
        else:
            yield _text(constant, ())


def _global_names(code: CodeType) -> set[str]:
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    return names.union(*(_global_names(each) for each in code.co_consts if isinstance(each, CodeType)))


def _used(value: object, outer: tuple[object, ...]) -> str:
    """What a function uses, as far as it can be told: of an object of another library, its class."""
    if isinstance(value, ModuleType):
        return value.__name__
    known = isinstance(value, nn.Module | ImageSet | Tensor | np.ndarray | np.generic)
    if hasattr(value, "__dict__") and not known and type(value).__module__ not in ("__main__", "builtins", "functools"):
        return _text(type(value), outer)
    try:
        return _text(value, outer)
    except ValueError:
        return _text(type(value), outer)
