"""Small changes to a piece of Python, as someone who solves an exercise may get it wrong."""

import ast
import copy
from collections.abc import Iterator

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.USub: [ast.UAdd],
    ast.Not: [],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each change of a cell's functions, in words with its line, and the changed source."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    places = [node for function in functions for statement in function.body for node in ast.walk(statement)]
    seen = set()
    for number, node in enumerate(places):
        for change in changes(node):
            changed = copy.deepcopy(tree)
            again = [node for node in changed.body if isinstance(node, ast.FunctionDef)]
            target = [node for function in again for statement in function.body for node in ast.walk(statement)][number]
            change(target)
            before, after = ast.unparse(tree).split("\n"), ast.unparse(changed).split("\n")
            different = [new for old, new in zip(before, after, strict=False) if old != new]
            if different and ast.unparse(changed) not in seen:
                seen.add(ast.unparse(changed))
                yield different[0].strip(), ast.unparse(ast.fix_missing_locations(changed))


def changes(node: ast.AST) -> Iterator:
    """What can be changed of one node, as functions that do it to its copy."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.UnaryOp)):
        for operator in OPERATORS.get(type(node.op), []):
            yield lambda copy, operator=operator: setattr(copy, "op", operator())
    elif isinstance(node, ast.Compare):
        for operator in OPERATORS.get(type(node.ops[0]), []):
            yield lambda copy, operator=operator: setattr(copy, "ops", [operator(), *copy.ops[1:]])
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, 2 * node.value):
            yield lambda copy, value=value: setattr(copy, "value", value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda copy: setattr(copy, "value", not copy.value)
    elif isinstance(node, ast.Call):
        yield from changes_of_a_call(node)
    elif isinstance(node, ast.Slice) and (node.lower or node.upper):
        yield lambda copy: setattr(copy, "lower", None)
        yield lambda copy: setattr(copy, "upper", None)
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield lambda copy: copy.elts.reverse()
    elif isinstance(node, ast.IfExp):
        yield lambda copy: vars(copy).update(body=copy.orelse, orelse=copy.body)


def changes_of_a_call(node: ast.Call) -> Iterator:
    def becomes(copy: ast.Call, other: ast.expr) -> None:
        copy.__class__, copy.__dict__ = other.__class__, other.__dict__

    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
        yield lambda copy: becomes(copy, copy.func.value)  # a.b().c() → a.b()
    elif isinstance(node.func, ast.Attribute) and not node.args:
        yield lambda copy: becomes(copy, copy.func.value)  # a.c() → a
    if len(node.args) == 1:
        yield lambda copy: becomes(copy, copy.args[0])  # f(a) → a
    if len(node.args) == 2:
        yield lambda copy: copy.args.reverse()
    if len(node.args) > 1 or node.keywords:
        for number in range(len(node.args)):
            yield lambda copy, number=number: copy.args.pop(number)
        for number in range(len(node.keywords)):
            yield lambda copy, number=number: copy.keywords.pop(number)


__all__ = ["mutants"]
