"""Sphinx extension: what a cell of a chapter gave, shown on another page, so that both always agree.

    ```{chapter-output} notebooks/11_what_the_network_sees
    plot_confusion(matrices["best"]
    ```

The content is a piece of the cell's code that no other cell with an output has. A figure comes with its alternative
text, anything else as text. A chapter or a piece that is not there is a build error.
"""

import base64
from html import escape
from pathlib import Path

import nbformat
from common import width_on_page
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class ChapterOutput(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        path = Path(self.env.srcdir, f"{self.arguments[0]}.ipynb")
        self.env.note_dependency(str(path))
        if not path.is_file():
            raise self.error(f"there is no chapter {self.arguments[0]}")
        piece = "\n".join(self.content)
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("outputs")]
        found = [cell for cell in cells if piece in cell.source]
        if len(found) != 1:
            raise self.error(f"{len(found)} cells with an output in {path.name} have {piece!r}, not 1")
        [cell] = found
        return [shown(output, cell) for output in cell.outputs]


def shown(output, cell):
    data = output.get("data", {})
    if "image/png" in data:
        alt, png = cell.metadata.mystnb.image.alt, data["image/png"].replace("\n", "")
        width = width_on_page(base64.b64decode(png))
        html = f'<img alt="{escape(alt)}" width="{width}" src="data:image/png;base64,{png}">'
        return nodes.figure("", nodes.raw("", html, format="html"), classes=["chapter-output"])
    text = output.get("text", data.get("text/plain", ""))
    return nodes.literal_block(text, text, language="none")


def setup(app):
    app.add_directive("chapter-output", ChapterOutput)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
