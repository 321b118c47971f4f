"""Sphinx extension: what `benchmarks/` measured, from the files in `results/benchmarks/`.

A number or a sentence, in Python's notation for text with fields; `machine` is where the file was measured:

    {measured}`speed {import_seconds:.2f}`
    {measured}`speed {machine}`

A table: the file and where in it the rows are; then for each column its head and its cell, with the fields of a row.
`name` is what the file calls the row, or its number:

    ```{measured-table} pad networks
    Network: "{name}"
    Median, ms: "{median:.1f}"
    ```

What is missing is a build error.
"""

import json
from functools import reduce

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from results_pages import NumberRole, machine, row
from sphinx.util.docutils import SphinxDirective

from cnncourse import settings


def load(env, name):
    """A benchmark's result file; the page that asks for it is built again when the file changes."""
    path = settings.files("benchmarks") / f"{name}.json"
    env.note_dependency(str(path))
    if not path.is_file():
        raise ValueError(f"results/benchmarks/{name}.json is missing. Measure it: python -m benchmarks.{name}")
    result = json.loads(path.read_text(encoding="utf8"))
    return {**result, "machine": machine(result)}


def filled(template, fields):
    """The template with its fields; per cent as the course writes it, `99.4 %`."""
    return template.format(**fields).replace("%", " %")


class MeasuredRole(NumberRole):
    def read(self, name, template):
        return filled(template, load(self.env, name))


class MeasuredTable(SphinxDirective):
    required_arguments = 2
    has_content = True

    def run(self):
        name, place = self.arguments
        columns = yaml.safe_load("\n".join(self.content))
        try:
            rows = reduce(dict.__getitem__, place.split("."), load(self.env, name))
            named = rows.items() if isinstance(rows, dict) else enumerate(rows, start=1)
            cells = [[filled(cell, {"name": key, **fields}) for cell in columns.values()] for key, fields in named]
        except (ValueError, KeyError) as error:
            raise self.error(f"{{{self.name}}} {name} {place}: {error}") from error
        lines = [row(columns), row([":--"] + ["--:"] * (len(columns) - 1)), *map(row, cells)]
        content = nodes.container(classes=["results"])
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), self.content_offset, content)
        return [content]


def setup(app):
    app.add_role("measured", MeasuredRole())
    app.add_directive("measured-table", MeasuredTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
