"""Sphinx extension: the hits of a search stand in the order of the book where they are equally good, with excerpts.

The text of all pages comes as one script, which the search page alone loads: a page that is opened from disk may not
read others, as Sphinx's own excerpts do.
"""

import json
from pathlib import Path

from docutils import nodes

TEXT = "search_text.js"


def reading_order(env, name):
    """A page and all below it, in the order of the table of contents."""
    yield name
    for below in env.toctree_includes.get(name, []):
        yield from reading_order(env, below)


def text(doctree):
    """The sentences of a page, without code and what it gave."""
    parts = doctree.findall(lambda node: isinstance(node, (nodes.paragraph, nodes.title, nodes.term)))
    _, *rest = (part for part in parts if "open-chapter" not in part["classes"])  # without the page's title
    return " ".join(" ".join(part.astext().split()) for part in rest)


def write_text(app, exception):
    if exception is None and app.builder.format == "html":
        env = app.env
        pages = {name: text(env.get_doctree(name)) for name in reading_order(env, env.config.root_doc)}
        path = Path(app.outdir, "_static", TEXT)
        path.write_text(f"window.SEARCH_TEXT = {json.dumps(pages)};\n", encoding="utf8")


def add_scripts(app, pagename, templatename, context, doctree):
    if pagename == "search":
        for script in (TEXT, "search.js"):
            app.add_js_file(script)


def setup(app):
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_text)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
