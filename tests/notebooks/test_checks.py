"""The checks of all exercises: right answers of any make pass, and wrong ones are refused for the right reason.

The answers are in `answers/`, one module a chapter. They run in the names of their chapter, on the bundled sample.
"""

import ast
import contextlib
import functools
import io
import os
import re
from pathlib import Path
from unittest import mock

import chapter
import matplotlib.pyplot
import pytest
from mutation import mutants

ANSWERS = Path(__file__).with_name("answers")
EXERCISES = [exercise for number in chapter.chapters() for exercise in chapter.exercises(number)]
ANY = "any change"
QUICK = {"CNNCOURSE_QUICK": "1", "CNNCOURSE_DATA": os.devnull, "TQDM_DISABLE": "1"}

# NumPy says so of torch's tensors, in a kernel as here.
pytestmark = [pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning"), pytest.mark.slow]
# By exercise, so that tests that run side by side need each chapter in one process only.
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, scope="module")


class Chapter:
    """A chapter's names as they are when its exercises begin, with its checks, solutions and answers."""

    def __init__(self, number):
        matplotlib.pyplot.switch_backend("agg")
        self.names = {"__name__": f"chapter_{number}"}
        self.right = {exercise: [] for exercise in EXERCISES}
        self.wrong = {exercise: [] for exercise in EXERCISES}
        self.equal = {exercise: [] for exercise in EXERCISES}
        for source in [*chapter.needed(number), *chapter.tagged(number, "exercise", "task")]:
            self.run(source)
        self.checks, self.solutions, self.stubs = [], [], []
        for check, solution in zip(chapter.tagged(number, "check"), chapter.tagged(number, "solution"), strict=True):
            self.stubs.append(self.run(check))
            self.checks.append(self.names[called(check).func.id])
            self.solutions.append(solution)
        path = ANSWERS / f"chapter_{number:0>2}.py"
        names = {**self.names, "right": self.add_right, "wrong": self.add_wrong, "equal": self.add_equal}
        exec(compile(path.read_text(encoding="utf8"), path, "exec"), names)

    def run(self, source):
        """What a cell prints."""
        return printed(lambda: exec(compile(source, "a cell", "exec"), self.names))

    def add_right(self, exercise, *answers):
        self.right[exercise] += answers

    def add_wrong(self, exercise, *answers):
        self.wrong[exercise] += answers

    def add_equal(self, exercise, reason, *changes):
        """Changed solutions, each given by the first line that differs, that are as right as the solution.

        Without changes: whatever the check lets pass is right, since what is asked for may be of any kind.
        """
        self.equal[exercise] += changes or [ANY]


def called(source):
    """The call of the check, with which a cell ends."""
    [call] = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "check_" in ast.unparse(node.value.func)
    ]
    return call


def printed(function):
    out = io.StringIO()
    shown = mock.patch("matplotlib.pyplot.show", return_value=None)
    try:
        with mock.patch.dict(os.environ, QUICK), contextlib.redirect_stdout(out), shown:
            function()
    finally:
        matplotlib.pyplot.close("all")
    return out.getvalue()


@functools.cache
def chapter_of(exercise_number):
    return Chapter(exercise_number)


def parts(exercise):
    """The chapter of an exercise, and its place there."""
    number = exercise.split(".")[0]
    return chapter_of(number), chapter.exercises(number).index(exercise)


def verdict(exercise, answer):
    """What the check of an exercise prints of an answer: a function, or a tuple of functions."""
    its_chapter, place = parts(exercise)
    return printed(lambda: its_chapter.checks[place](*(answer if isinstance(answer, tuple) else (answer,))))


def solved(exercise, source=None):
    """The functions of a solution, or of a changed one."""
    its_chapter, place = parts(exercise)
    solution = its_chapter.solutions[place]
    tree = ast.parse(source or solution)
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = dict(its_chapter.names)
    exec(compile(tree, "a solution", "exec"), names)
    return tuple(names[argument.id] for argument in called(solution).args)


def described(answer):
    functions = answer if isinstance(answer, tuple) else (answer,)
    codes = [getattr(function, "__code__", None) for function in functions]
    return ", ".join(f"line {code.co_firstlineno}" if code else repr(answer) for code in codes)


@every_exercise
def test_a_stub_is_not_done_yet(exercise):
    its_chapter, place = parts(exercise)
    assert re.fullmatch(r"Not done yet: .*\n", its_chapter.stubs[place])


@every_exercise
def test_the_solution_is_right(exercise):
    said = verdict(exercise, solved(exercise))
    assert said.startswith("Correct")
    assert max(map(len, said.splitlines())) <= 80


@every_exercise
def test_right_answers_are_accepted(exercise):
    answers = parts(exercise)[0].right[exercise]
    assert len(answers) >= 5
    said = {described(answer): verdict(exercise, answer) for answer in answers}
    assert {answer: text for answer, text in said.items() if not text.startswith("Correct")} == {}


@every_exercise
def test_wrong_answers_are_refused_with_the_reason(exercise):
    answers = parts(exercise)[0].wrong[exercise]
    assert len(answers) >= 8
    failures = {}
    for reason, answer in answers:
        said = verdict(exercise, answer)
        if not re.fullmatch(r"Not (done )?yet: .*\n", said) or not re.search(reason, said):
            failures[described(answer)] = (reason, said)
    assert failures == {}


def raises(*arguments, **names):
    raise KeyError("x")


STRANGE = {
    "None": lambda *arguments, **names: None,
    "text": lambda *arguments, **names: "a text",
    "a dict": lambda *arguments, **names: {"a": 1},
    "an empty list": lambda *arguments, **names: [],
    "a ragged list": lambda *arguments, **names: [1, [2, 3]],
    "a function": lambda *arguments, **names: print,
    "a class": lambda *arguments, **names: dict,
    "a complex number": lambda *arguments, **names: 1j,
    "nothing but NaN": lambda *arguments, **names: float("nan"),
    "one argument too many": lambda *arguments, one_too_many: 0,
    "an error": raises,
    "no function": 3,
}


@every_exercise
@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_answer_gets_one_line(exercise, kind):
    """Whatever it is: no trace, and no praise."""
    count = len(called(parts(exercise)[0].solutions[parts(exercise)[1]]).args)
    said = verdict(exercise, (STRANGE[kind],) * count)
    assert re.fullmatch(r"Not (done )?yet: .*\n", said)
    if kind == "an error":
        assert re.search(r"stopped with KeyError: 'x', in the line `raise KeyError", said)
    elif kind == "no function":
        assert "should be a function, not an int" in said


@every_exercise
def test_a_changed_solution_is_refused(exercise):
    """Every operator, comparison, constant, axis, index and call of a solution counts, or is known not to."""
    its_chapter, place = parts(exercise)
    survivors = []
    for change, source in mutants(its_chapter.solutions[place]):
        try:
            functions = solved(exercise, source)
        except Exception:  # it does not even run
            continue
        if not verdict(exercise, functions).startswith("Not ") and not {change, ANY} & set(its_chapter.equal[exercise]):
            survivors.append(change)
    assert survivors == []


@every_exercise
def test_every_equal_is_still_a_change(exercise):
    its_chapter, place = parts(exercise)
    changes = {change for change, _ in mutants(its_chapter.solutions[place])}
    assert set(its_chapter.equal[exercise]) - changes - {ANY} == set()
