"""Sphinx extension: how long the chapters take, read from the notebooks themselves.

    ```{chapter-times}
    notebooks/01_images_and_tensors
    notebooks/02_convolution_by_hand
    ```

Running is the time from the first cell to the last when the committed outputs were made. Reading is estimated: 200
words a minute, a line of code counted as eight words.
"""

from datetime import datetime, timedelta
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


def running_time(notebook) -> timedelta:
    stamps = [
        datetime.fromisoformat(stamp)
        for cell in notebook.cells
        for stamp in cell.metadata.get("execution", {}).values()
    ]
    if not stamps:
        raise ValueError("was committed without execution times: run `make notebooks`")
    return max(stamps) - min(stamps)


def reading_time(notebook) -> timedelta:
    words = sum(
        len(cell.source.split()) if cell.cell_type == "markdown" else 8 * cell.source.count("\n")
        for cell in notebook.cells
    )
    return timedelta(minutes=words / 200)


def in_minutes(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return str(minutes) if minutes else "under 1"


class ChapterTimes(SphinxDirective):
    has_content = True

    def run(self):
        rows = []
        for document in self.content:
            path = Path(self.env.srcdir, f"{document}.ipynb")
            notebook = nbformat.read(path, as_version=4)
            try:
                reading, running = in_minutes(reading_time(notebook)), in_minutes(running_time(notebook))
            except ValueError as error:
                raise self.error(f"{path.name} {error}") from error
            rows.append(f"| [](/{document}) | {reading} | {running} |")
            self.env.note_dependency(str(path))
        table = ["| Chapter | Reading, minutes | Running, minutes |", "|:--|--:|--:|", *rows]
        content = nodes.container()
        self.state.nested_parse(StringList(table, self.get_source_info()[0]), self.content_offset, content)
        return content.children


def setup(app):
    app.add_directive("chapter-times", ChapterTimes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
