"""Sphinx extension: a page whose front matter says `slides: true` becomes a deck of slides.

Each of its headings begins a slide. The deck is one file that needs nothing else: reveal.js, which shows it and comes
with the pip package sphinx-revealjs, is written into the page, and so are styles and images.

What to say beside a slide, shown by the key S in a window of its own:

    ```{speaker-notes}
    Ask first, then show.
    ```
"""

import re
from base64 import b64encode
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path

from docutils import nodes
from sphinx.highlighting import PygmentsBridge
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).parent
REVEAL = Path(find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"
STYLES = [
    REVEAL / "dist" / "reset.css",
    REVEAL / "dist" / "reveal.css",
    HERE.parent / "_static" / "results.css",
    HERE / "slides.css",
]
SCRIPTS = [REVEAL / "dist" / "reveal.js", REVEAL / "plugin" / "notes" / "notes.js"]


class SpeakerNotes(SphinxDirective):
    has_content = True

    def run(self):
        notes = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, notes)
        begin, end = (nodes.raw("", tag, format="html") for tag in ('<aside class="notes">', "</aside>"))
        return [begin, *notes.children, end]


def as_slides(app, pagename, templatename, context, doctree):
    if "slides" not in app.env.metadata.get(pagename, {}):
        return None
    files = {name: Path(app.srcdir, source) for source, name in app.builder.images.items()}
    context["slides"] = with_images(one_section_a_slide(context["body"]), files)
    light, dark = (PygmentsBridge("html", f"a11y-high-contrast-{mode}").get_stylesheet() for mode in ("light", "dark"))
    dark = f"@media (prefers-color-scheme: dark) {{\n{dark}\n}}"
    context["styles"] = "\n".join([*(path.read_text(encoding="utf8") for path in STYLES), light, dark])
    context["scripts"] = "\n".join(path.read_text(encoding="utf8") for path in SCRIPTS)
    return "slides.html"


def one_section_a_slide(body):
    """The sections of a page one after the other, where Sphinx puts them inside the title's."""
    body = re.sub(r'<a class="headerlink".*?</a>', "", body)
    title, *rest = re.split(r"(?=<section)", body.strip().removesuffix("</section>"))[1:]
    return "".join([title, "</section>", *rest])


def with_images(html, files):
    """The images written into the page."""

    def inside(match):
        path = files[match[1]]
        return f'src="data:{guess_type(path)[0]};base64,{b64encode(path.read_bytes()).decode()}"'

    return re.sub(r'src="[^"]*_images/([^"]+)"', inside, html)


def setup(app):
    app.add_directive("speaker-notes", SpeakerNotes)
    app.config.templates_path = [*app.config.templates_path, str(HERE)]
    app.connect("html-page-context", as_slides, priority=900)  # after the theme has changed the page
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
