"""A quiz as HTML that holds all that it needs: its style, its script, and the verdicts."""

import base64
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from cnncourse.quiz import Plot, Question

MARKDOWN = MarkdownIt("commonmark", {"html": False})
# Of a plot, in pixels when it is 360 wide, as on a phone.
WIDTH, HEIGHT, LETTER = 360, 220, 7.5
LEFT, TOP, BOTTOM = 48, 30, 176  # where the axes end
DASHES = ("", "6 4", "2 3")
APART = 15  # names of lines


def page(chapter: str, questions: list[Question]) -> str:
    """Return a quiz that works wherever HTML with a script does, alone or beside others."""
    return f"<style>{file('quiz.css')}</style>\n{section(chapter, questions)}\n<script>{file('quiz.js')}</script>"


def file(name: str) -> str:
    """Return what quiz.css or quiz.js holds."""
    return Path(__file__).with_name(name).read_text(encoding="utf8")


def section(chapter: str, questions: list[Question]) -> str:
    """Return the questions alone, for a page that has the style and the script."""
    forms = "\n".join(
        form(chapter, question, f"Question {number} of {len(questions)}")
        for number, question in enumerate(questions, 1)
    )
    return (
        f'<section class="quiz" aria-label="Quiz of chapter {chapter.lstrip("0")}">\n'
        f'{forms}\n<p class="quiz-score" role="status"></p>\n</section>'
    )


def form(chapter: str, question: Question, legend: str) -> str:
    """Return one question. The verdicts are encoded, so that one does not read them in passing."""
    verdicts = [[answer.right, MARKDOWN.renderInline(answer.why)] for answer in question.answers]
    key = base64.b64encode(json.dumps(verdicts).encode()).decode()
    name, ask = f"{chapter}/{question.id}", f"quiz-{chapter}-{question.id}"
    answers = "\n".join(
        f'<label><input type="radio" name="{name}" value="{number}">'
        f" <span>{MARKDOWN.renderInline(answer.text)}</span></label>"
        for number, answer in enumerate(question.answers)
    )
    return f"""\
<form class="quiz-question" data-name="{name}" data-key="{key}">
<fieldset aria-describedby="{ask}">
<legend>{legend}</legend>
<div class="quiz-ask" id="{ask}">{MARKDOWN.render(question.ask)}{drawing(question.plot) if question.plot else ""}</div>
{answers}
<button type="submit">Check</button>
<p class="quiz-verdict" role="status"></p>
</fieldset>
</form>"""


def drawing(plot: Plot) -> str:
    """Return a plot as SVG."""
    return f"""\
<svg class="quiz-plot" role="img" aria-label="{escape(plot.alt)}" viewBox="0 0 {WIDTH} {HEIGHT}">
{"".join(parts(plot))}
</svg>"""


def parts(plot: Plot) -> Iterator[str]:
    """Yield the axes with their names and ends, and each line with its name."""
    values = [value for line in plot.lines.values() for value in line]
    low, high = min(values), max(values)
    steps = len(next(iter(plot.lines.values())))
    right = WIDTH - 12 - LETTER * max(map(len, plot.lines))  # then come the names of the lines

    def across(step: int) -> float:
        return LEFT + step / (steps - 1) * (right - LEFT)

    def up(value: float) -> float:
        return BOTTOM - (value - low) / ((high - low) or 1) * (BOTTOM - TOP)

    def words(x: float, y: float, text: str, anchor: str) -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'

    yield f'<path class="quiz-axes" d="M{LEFT} {TOP - 6}V{BOTTOM}H{right:.0f}"/>'
    yield words(LEFT - 6, BOTTOM, f"{low:g}", "end") + words(LEFT - 6, TOP + 5, f"{high:g}", "end")
    yield words(LEFT, BOTTOM + 18, "1", "middle") + words(right, BOTTOM + 18, f"{steps}", "middle")
    yield words((LEFT + right) / 2, HEIGHT - 8, plot.x, "middle") + words(4, 14, plot.y, "start")
    for number, line in enumerate(plot.lines.values()):
        way = " ".join(f"{across(step):.1f},{up(value):.1f}" for step, value in enumerate(line))
        yield f'<polyline class="quiz-line-{number}" stroke-dasharray="{DASHES[number]}" points="{way}"/>'
    below = 0.0
    for name in sorted(plot.lines, key=lambda name: up(plot.lines[name][-1])):  # from the top
        below = max(up(plot.lines[name][-1]) + 5, below + APART)
        yield words(right + 6, below, name, "start")
