"""Sphinx extension for the chapters: how they are opened, what their pages call a solution, and how long they take.

Under a chapter's title stand links that open it in Colab and download it. A hidden cell with the tag `solution` is
folded under the word Solution, without the line that says so in Colab. A table has the times of the chapters that are
in the table of contents and whose names match a pattern:

    ```{chapter-times} notebooks/0[1-5]*
    ```

`make notebooks` measures the running time, estimates the reading time and writes both into the chapter's first cell.
"""

import re
from fnmatch import filter as matching
from pathlib import Path

import nbformat
from common import MarkdownDirective, table, width_on_page
from docutils import nodes

COLAB = "https://colab.research.google.com"
TITLE_IN_COLAB = "# @title "
TIMES = re.compile(r"about (\d+) minutes? of reading, (\d+) minutes? of running")


class ChapterTimes(MarkdownDirective):
    required_arguments = 1

    def lines(self):
        return table(["Chapter", "Reading, minutes", "Running, minutes"], map(self.times, self.chapters()))

    def chapters(self):
        return sorted(matching(self.env.found_docs, self.arguments[0]))

    def times(self, chapter):
        path = Path(self.env.doc2path(chapter))
        self.env.note_dependency(str(path))
        times = TIMES.search(nbformat.read(path, as_version=4).cells[0].source)
        if times is None:
            raise ValueError(f"{path.name} does not say at its top how long it takes: run `make notebooks`")
        return [f"[](/{chapter})", times[1], times[2]]


def name_folded_cells(app, doctree):
    for cell in doctree.findall(nodes.container):
        if "tag_solution" in cell["classes"]:
            cell["prompt_show"] = cell["prompt_hide"] = "Solution"
        for code in cell.findall(nodes.literal_block):
            first, _, rest = code.rawsource.partition("\n")
            if "cell" in cell["classes"] and first.startswith(TITLE_IN_COLAB):
                code.rawsource, code[:] = rest, [nodes.Text(rest)]


def add_links(app, doctree):
    """Put the ways to open a chapter under its title."""
    if not app.env.docname.startswith("notebooks/"):
        return
    options = app.config.html_theme_options
    repository = options["repository_url"].removeprefix("https://github.com/").rstrip("/")
    branch, name = options.get("repository_branch", "main"), app.env.docname
    links = {
        "Open in Colab": f"{COLAB}/github/{repository}/blob/{branch}/{name}.ipynb",
        "Download the notebook": f"../_sources/{name}.ipynb",
    }
    paragraph = nodes.paragraph(classes=["open-chapter"])
    for number, (text, address) in enumerate(links.items()):
        paragraph += [nodes.Text(" · ")] * (number > 0)
        paragraph += nodes.reference("", text, refuri=address)
    title = next(doctree.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, paragraph)


def show_figures_at_half_their_pixels(app, doctree):
    for cell in doctree.findall(lambda node: isinstance(node, nodes.container) and "cell_output" in node["classes"]):
        for image in cell.findall(nodes.image):
            if image["uri"].endswith(".png"):
                image["width"] = f"{width_on_page(Path(app.srcdir, image['uri'].lstrip('/')).read_bytes())}px"


def setup(app):
    app.connect("doctree-read", name_folded_cells)
    app.connect("doctree-read", show_figures_at_half_their_pixels, priority=400)  # before pictures are collected
    app.connect("doctree-read", add_links)
    app.add_directive("chapter-times", ChapterTimes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
