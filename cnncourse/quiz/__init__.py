"""The quiz of a chapter: questions with answers to choose from, each of which says why it is right or wrong.

`quiz("05")` shows the questions of chapter 5, in a notebook and on its page. They stand in `questions/05.toml`, which
everything else that asks them reads too. What was answered is kept by the browser alone.
"""

import re
import tomllib
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

QUESTIONS = Path(__file__).with_name("questions")
FEWEST_ANSWERS = 3
MOST_LINES = 3  # of a plot: each has its colour and its dashes


class Answer(NamedTuple):
    """An answer to choose.

    Attributes:
        text: what it says; Markdown.
        why: why it is right or wrong; Markdown.
        right: whether it is right.
    """

    text: str
    why: str
    right: bool


class Plot(NamedTuple):
    """A small drawing of lines, one value a step from 1.

    Attributes:
        x, y: names of the axes.
        lines: the values of each line by its name.
        alt: what is to be seen, in words.
    """

    x: str
    y: str
    lines: dict[str, list[float]]
    alt: str


class Question(NamedTuple):
    """A question with one right answer.

    Attributes:
        id: its short name, which no other question of its chapter has.
        ask: the question; Markdown.
        answers: those to choose from.
        judgement: whether it asks to judge a plot, numbers, a message or code, rather than to remember.
        plot: a drawing that belongs to it.
    """

    id: str
    ask: str
    answers: tuple[Answer, ...]
    judgement: bool
    plot: Plot | None


class Quiz:
    """The questions of a chapter. As the last line of a cell they are shown, and take answers.

    Attributes:
        chapter: its number, as its notebook's name begins: "05", "10b".
        questions: a list of `Question`.
    """

    def __init__(self, chapter: str, questions: list[Question]):
        self.chapter, self.questions = chapter, questions

    def __repr__(self) -> str:
        return f"Quiz of chapter {self.chapter.lstrip('0')}: {len(self.questions)} questions, shown by a browser."

    def _repr_html_(self) -> str:
        from cnncourse.quiz._page import page

        return page(self.chapter, self.questions)


def quiz(chapter: str) -> Quiz:
    """Make the quiz of a chapter.

    Args:
        chapter: as the notebook's name begins: "05", "10b".

    Raises:
        FileNotFoundError: the chapter has no questions; names those that have.
    """
    return Quiz(chapter, questions(chapter))


def questions(chapter: str, folder: Path = QUESTIONS) -> list[Question]:
    """Read the questions of a chapter.

    Args:
        chapter: as the notebook's name begins: "05", "10b".
        folder: of the files with questions; the course's own unless given.

    Raises:
        FileNotFoundError: the chapter has no questions; names those that have.
        ValueError: a question is not complete; says which, and what it lacks.
    """
    path = folder / f"{chapter}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise FileNotFoundError(f"there are no questions of chapter {chapter!r}, only of {known or 'none'}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is no TOML: {error}") from None
    if content.keys() != {"question"} or not _tables(content["question"]):
        raise ValueError(f"{path.name}: it should hold [[question]] tables, and nothing else")
    found = [_question(row, f"{path.name}, question {place}") for place, row in enumerate(content["question"], 1)]
    names = [question.id for question in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path.name}: two questions have the id {twice[0]!r}")
    return found


def _question(row: dict[str, Any], place: str) -> Question:
    if unknown := row.keys() - {"id", "ask", "judgement", "plot", "answer"}:
        raise ValueError(f"{place}: unknown {', '.join(sorted(unknown))}")
    if not _texts(row, "id", "ask"):
        raise ValueError(f"{place}: an id and what it asks are missing")
    place += f", {row['id']!r}"
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", row["id"]):
        raise ValueError(f"{place}: an id is of small letters and digits, with - between words")
    if not isinstance(row.get("judgement", False), bool):
        raise ValueError(f"{place}: judgement is true or false")
    rows = row.get("answer", [])
    if not _tables(rows):
        raise ValueError(f"{place}: it needs [[question.answer]] tables")
    answers = tuple(_answer(each, f"{place}: answer {number}") for number, each in enumerate(rows, 1))
    if len(answers) < FEWEST_ANSWERS or sum(answer.right for answer in answers) != 1:
        raise ValueError(f"{place}: it needs {FEWEST_ANSWERS} answers or more, exactly one of them right")
    return Question(row["id"], row["ask"].strip(), answers, row.get("judgement", False), _plot(row, place))


def _answer(row: dict[str, Any], place: str) -> Answer:
    right = row.get("right", False)
    if not _texts(row, "text", "why") or row.keys() - {"text", "why", "right"} or not isinstance(right, bool):
        raise ValueError(f"{place} needs a text and a why, and right = true if it is right")
    text, why = row["text"].strip(), row["why"].strip()
    if any("\n\n" in each or "```" in each for each in (text, why)):
        raise ValueError(
            f"{place} is more than one paragraph; its text and its why are one each, without a block of code"
        )
    return Answer(text, why, right)


def _plot(row: dict[str, Any], place: str) -> Plot | None:
    plot = row.get("plot")
    if plot is None:
        return None
    if not isinstance(plot, dict) or plot.keys() != {"x", "y", "alt", "lines"} or not _texts(plot, "x", "y", "alt"):
        raise ValueError(f"{place}: a plot needs x, y, alt, and lines of the same length")
    lines = plot["lines"]
    if not isinstance(lines, dict) or not 1 <= len(lines) <= MOST_LINES or not all(map(_numbers, lines.values())):
        raise ValueError(f"{place}: a plot has one to {MOST_LINES} lines, each a name with two numbers or more")
    if len({len(values) for values in lines.values()}) != 1:
        raise ValueError(f"{place}: a plot needs x, y, alt, and lines of the same length")
    return Plot(plot["x"], plot["y"], lines, plot["alt"])


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _texts(row: dict[str, Any], *names: str) -> bool:
    return all(isinstance(row.get(name), str) and row[name].strip() for name in names)


def _numbers(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) > 1
        and all(type(each) in (int, float) and isfinite(each) for each in values)
    )
