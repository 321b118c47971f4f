"""Sphinx extension: diagrams of the networks of recipes, made from the networks themselves when the book is built.

    ```{architecture} lenet5-tanh-avg lenet5-relu-max
    ```

Several diagrams stand beside each other where the page is wide enough. The colours are in `cnncourse.css`. An unknown
recipe is a build error.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from cnncourse import analysis, models
from cnncourse.experiments import RECIPES

SOURCES = [path for room in (analysis, models) for path in Path(room.__file__).parent.glob("*.py")]


class Architecture(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        for path in SOURCES:
            self.env.note_dependency(str(path))
        html = ""
        for name in self.arguments[0].split():
            if name not in RECIPES:
                raise self.error(f"there is no recipe {name!r}")
            svg = analysis.diagram(RECIPES[name].model()).svg
            html += f"<figure><figcaption>Recipe <code>{name}</code></figcaption>\n{svg}</figure>\n"
        return [nodes.raw("", f'<div class="architectures">\n{html}</div>', format="html")]


def setup(app):
    app.add_directive("architecture", Architecture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
