"""The quiz: its questions are complete, and what shows them needs nothing else."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from cnncourse.quiz import QUESTIONS, questions, quiz
from cnncourse.quiz._page import HEIGHT, LETTER, WIDTH, drawing, page

CHAPTERS = sorted(path.stem for path in QUESTIONS.glob("*.toml"))
NOTEBOOKS = sorted(path.stem.split("_")[0] for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)

ANSWERS = """
[[question.answer]]
text = "`a < b`"
why = "It is *not*."
[[question.answer]]
right = true
text = "two"
why = "Yes & no."
[[question.answer]]
text = "three"
why = "No."
"""
PLOT = """
[question.plot]
x = "epoch"
y = "loss"
alt = "The training loss falls, the validation loss rises."
lines = { "training" = [2.0, 1.0, 0.5], "validation" = [2.0, 1.5, 1.75] }
"""
QUESTION = '[[question]]\nid = "one"\nask = "What does this do?\\n\\n```python\\nx = 1 < 2\\n```"\n'


def written(folder, text):
    (folder / "99.toml").write_text(text, encoding="utf8")
    return questions("99", folder)


def test_every_chapter_has_questions():
    assert CHAPTERS == NOTEBOOKS


@every_chapter
def test_a_chapter_asks_enough_and_for_judgements(chapter):
    found = questions(chapter)
    assert len(found) >= 5
    assert sum(question.judgement for question in found) >= len(found) / 3


@every_chapter
def test_the_right_answer_is_not_told_by_its_place_or_its_length(chapter):
    found = questions(chapter)
    places = [[answer.right for answer in question.answers].index(True) for question in found]
    assert len(set(places)) > 1
    longest = [max(question.answers, key=lambda answer: len(answer.text)).right for question in found]
    assert sum(longest) <= len(longest) / 2


@every_chapter
def test_plots_are_described(chapter):
    plots = [question.plot for question in questions(chapter) if question.plot]
    assert [plot.alt for plot in plots if len(plot.alt.split()) < 5] == []


class Tags(HTMLParser):
    """Checks that what is opened is closed, and collects addresses."""

    def __init__(self, html):
        super().__init__()
        self.open, self.addresses, self.names = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in ("input", "br"):
            self.open.append(tag)
        self.names.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data")]

    def handle_startendtag(self, tag, attributes):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@every_chapter
def test_a_quiz_is_whole_and_needs_nothing_else(chapter):
    html = quiz(chapter)._repr_html_()
    tags = Tags(html)
    assert tags.addresses == []
    assert "http" not in html
    assert tags.names.count("form") == len(questions(chapter))
    assert tags.names.count("input") == sum(len(question.answers) for question in questions(chapter))
    for question in questions(chapter):
        for answer in question.answers:
            assert answer.why not in html  # one does not read it in passing


def test_without_a_browser_a_quiz_says_what_it_is():
    assert re.fullmatch(r"Quiz of chapter 10b: \d questions, shown by a browser\.", repr(quiz("10b")))


def test_what_is_written_is_shown(tmp_path):
    [question] = written(tmp_path, QUESTION + PLOT + ANSWERS)
    html = page("99", [question])
    Tags(html)
    assert '<code class="language-python">x = 1 &lt; 2\n</code>' in html
    assert "<code>a &lt; b</code>" in html
    assert 'name="99/one" value="2"' in html
    assert html.count("<polyline") == 2
    assert 'aria-label="The training loss falls, the validation loss rises."' in html


def test_a_plot_keeps_its_proportions(tmp_path):
    [question] = written(tmp_path, QUESTION + PLOT + ANSWERS)
    training, validation = (
        [tuple(map(float, point.split(","))) for point in points.split()]
        for points in re.findall('points="([^"]*)"', drawing(question.plot))
    )
    assert training[0] == validation[0]
    assert training[1][0] == validation[1][0]
    high, low = training[0][1], training[2][1]
    assert (validation[1][1] - high) / (low - high) == pytest.approx((2.0 - 1.5) / (2.0 - 0.5), abs=0.01)


@every_chapter
def test_names_of_lines_stand_inside_and_apart(chapter):
    for question in questions(chapter):
        if question.plot:
            texts = re.findall(r'<text x="(\d+)" y="(\d+)" text-anchor="start">([^<]+)', drawing(question.plot))
            names = [(int(x), int(y), name) for x, y, name in texts if name in question.plot.lines]
            assert len(names) == len(question.plot.lines)
            heights = sorted(y for _, y, _ in names)
            assert all(below - above >= 14 for above, below in pairwise(heights))
            assert all(x > 150 and x + LETTER * len(name) < WIDTH and y < HEIGHT for x, y, name in names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[question", "99.toml is no TOML"),
        ('[[question]]\nask = "?"\n' + ANSWERS, "question 1: an id and what it asks are missing"),
        (QUESTION + 'answers = "x"\n' + ANSWERS, "question 1: unknown answers"),
        (
            QUESTION + ANSWERS.replace("right = true", ""),
            "'one': it needs 3 answers or more, exactly one",
        ),
        (QUESTION + ANSWERS.replace("text", "right = true\ntext", 1), "exactly one of them right"),
        (QUESTION + ANSWERS[: ANSWERS.rindex("[[")], "it needs 3 answers or more"),
        (QUESTION + ANSWERS.replace('why = "No."', ""), "answer 3 needs a text and a why"),
        (QUESTION + ANSWERS.replace("why", "wy", 1), "answer 1 needs a text and a why"),
        (
            QUESTION + PLOT.replace("alt", "alternative") + ANSWERS,
            "a plot needs x, y, alt, and lines",
        ),
        (QUESTION + PLOT.replace("0.5]", "0.5, 0.1]") + ANSWERS, "lines of the same length"),
        (QUESTION + PLOT.replace("2.0, 1.0, 0.5", '"a"') + ANSWERS, "one to 3 lines, each a name with two numbers"),
        (QUESTION + PLOT.replace("0.5]", "nan]") + ANSWERS, "one to 3 lines, each a name with two numbers"),
        (QUESTION + PLOT.replace("1.75]", '1.75], "a" = [1, 2, 3], "b" = [1, 2, 3]') + ANSWERS, "one to 3 lines"),
        (QUESTION + "plot = 1\n" + ANSWERS, "a plot needs x, y, alt, and lines"),
        ((QUESTION + ANSWERS) * 2, "two questions have the id 'one'"),
        (QUESTION.replace('"one"', '"The one"') + ANSWERS, "an id is of small letters and digits"),
        (QUESTION + 'judgement = "yes"\n' + ANSWERS, "'one': judgement is true or false"),
        (QUESTION + "answer = [1, 2, 3]\n", "'one': it needs [[question.answer]] tables"),
        (
            QUESTION + ANSWERS.replace("right = true", 'right = "true"'),
            "answer 2 needs a text and a why, and right = true",
        ),
        (QUESTION + ANSWERS.replace('"No."', '"""No.\n\nNever."""'), "answer 3 is more than one paragraph"),
        ("", "99.toml: it should hold [[question]] tables, and nothing else"),
        (QUESTION.replace("[[question]]", "[question]"), "it should hold [[question]] tables"),
        ('title = "A quiz"\n' + QUESTION + ANSWERS, "it should hold [[question]] tables, and nothing else"),
    ],
)
def test_a_question_that_is_not_complete_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        written(tmp_path, text)


def test_a_chapter_without_questions(tmp_path):
    written(tmp_path, QUESTION + ANSWERS)
    with pytest.raises(FileNotFoundError, match="no questions of chapter '98', only of 99"):
        questions("98", tmp_path)
