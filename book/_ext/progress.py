"""Sphinx extension: the page with what is done of the quizzes, and a mixed revision of their questions.

    ```{progress}
    ```

It asks the questions of the chapters that are in the table of contents. They wait in a template, so that neither the
page nor the search shows them before they are asked; `_static/progress.js` does the rest.
"""

from common import leave_out
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from cnncourse.quiz import QUESTIONS, questions
from cnncourse.quiz._page import file, section

PAGE = """
<style>{style}</style>
<noscript><p>The quizzes run in your browser. Allow this page to run JavaScript, and load it again.</p></noscript>
<table class="table quiz-table">
<thead><tr>
<th scope="col">Quiz of</th><th scope="col">Right</th><th scope="col">Tried</th><th scope="col">Questions</th>
</tr></thead>
<tbody>
{rows}
</tbody></table>
<div class="quiz">
<p class="quiz-tools"><button type="button" data-do="revise">Ask me up to ten questions</button>
<button type="button" data-do="save">Save my answers to a file</button>
<button type="button" data-do="read">Add answers from a file</button>
<button type="button" data-do="forget">Forget all answers</button></p>
<input type="file" accept=".json" hidden>
<p class="quiz-says" role="status"></p>
</div>
<section class="quiz" id="revision" aria-label="Mixed revision" hidden>
<p class="quiz-score" role="status"></p>
</section>
<template id="all-questions">{sections}</template>
<script>{script}</script>
"""
ROW = (
    '<tr data-names="{names}"><th scope="row"><a href="{address}#quiz">{title}</a></th>'
    "<td>0</td><td>0</td><td>{number}</td></tr>"
)


class progress(nodes.General, nodes.Element):
    """Where the table and the revision stand."""


class Progress(SphinxDirective):
    def run(self):
        for path in QUESTIONS.glob("*.toml"):
            self.env.note_dependency(str(path))
        return [progress()]


def place(translator, node):
    builder = translator.builder
    rows, sections = [], []
    for chapter in sorted(name for name in builder.env.found_docs if name.startswith("notebooks/")):
        number = chapter.removeprefix("notebooks/").split("_")[0]
        if not (QUESTIONS / f"{number}.toml").is_file():
            continue
        asked = questions(number)
        names = " ".join(f"{number}/{question.id}" for question in asked)
        address = builder.get_relative_uri(builder.current_docname, chapter)
        title = translator.encode(builder.env.titles[chapter].astext())
        rows.append(ROW.format(names=names, address=address, title=title, number=len(asked)))
        sections.append(section(number, asked))
    texts = {
        "style": file("quiz.css"),
        "script": file("quiz.js"),
        "rows": "\n".join(rows),
        "sections": "".join(sections),
    }
    translator.body.append(PAGE.format(**texts))
    raise nodes.SkipNode


def load_script(app, pagename, templatename, context, doctree):
    if doctree and any(doctree.findall(progress)):
        app.add_js_file("progress.js", loading_method="defer")


def setup(app):
    app.add_node(progress, html=(place, None), latex=(leave_out, None), text=(leave_out, None))
    app.add_directive("progress", Progress)
    app.connect("html-page-context", load_script)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
