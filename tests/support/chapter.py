"""What the checks of a chapter's exercises need of the chapter, and nothing else."""

import ast
import builtins
import dis
import re
from pathlib import Path
from types import CodeType

import nbformat

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def chapters() -> list[str]:
    """The chapters' numbers as they are written, 1, 2, …, 10, 10b, …, in order."""
    return [path.stem.split("_")[0].lstrip("0") for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def code_cells(chapter: str) -> list[nbformat.NotebookNode]:
    """The code cells of a chapter, without the first, which installs the library, and without magic commands."""
    [path] = NOTEBOOKS.glob(f"{chapter:0>2}_*.ipynb")
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"][1:]
    for cell in cells:
        cell.source = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.M)
    return cells


def tagged(chapter: str, *tags: str) -> list[str]:
    """The sources of a chapter's cells with one of these tags, in order."""
    return [cell.source for cell in code_cells(chapter) if set(tags) & set(cell.metadata.get("tags", []))]


def exercises(chapter: str) -> list[str]:
    """The names of a chapter's exercises, 5.1, 5.2, …, and of its short tasks, 5.a, 5.b, …, in order of their cells."""
    found = []
    for cell in code_cells(chapter):
        for tag, first in (("exercise", "1"), ("task", "a")):
            if tag in cell.metadata.get("tags", []):
                place = sum(name.split(".")[1].isdigit() == (tag == "exercise") for name in found)
                found.append(f"{chapter}.{chr(ord(first) + place)}")
    return found


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell gives to the cells below it, and those that it takes from the cells above."""
    stored: set[str] = set()
    loaded: set[str] = set()
    inner: set[str] = set()
    code = compile(source, "cell", "exec")
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_NAME":
            stored.add(instruction.argval)
        elif instruction.opname == "LOAD_NAME" and instruction.argval not in stored:
            loaded.add(instruction.argval)
        elif isinstance(instruction.argval, CodeType):
            inner |= names_within(instruction.argval)
    return stored, (loaded | (inner - stored)) - set(dir(builtins))


def names_within(code: CodeType) -> set[str]:
    """The global names that functions and classes of a cell use."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME"))}
    return found.union(*(names_within(part) for part in code.co_consts if isinstance(part, CodeType)))


def filled(source: str) -> set[str]:
    """The names whose objects a cell changes by an assignment to an item or an attribute of theirs."""
    return {
        node.value.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Subscript, ast.Attribute))
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }


def needed(chapter: str) -> list[str]:
    """The sources of the cells that a chapter's checks and solutions need, in order, without these themselves."""
    wanted: set[str] = set()
    sources = []
    for cell in reversed(code_cells(chapter)):
        gives, takes = names(cell.source)
        if {"exercise", "task", "check", "solution"} & set(cell.metadata.get("tags", [])):
            wanted |= takes
        elif (gives | filled(cell.source)) & wanted:
            wanted = (wanted - gives) | takes
            sources.append(cell.source)
    return sources[::-1]
