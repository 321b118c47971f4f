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
from common import MarkdownDirective, NumberRole, table

from cnncourse import settings
from cnncourse.experiments import machine


def load(env, name):
    """A benchmark's result file; the page that asks for it is built again when the file changes."""
    path = settings.files("benchmarks") / f"{name}.json"
    env.note_dependency(str(path))
    if not path.is_file():
        raise ValueError(f"results/benchmarks/{name}.json is missing. Measure it: python -m benchmarks.{name}")
    result = json.loads(path.read_text(encoding="utf8"))
    return {**result, "machine": machine(result["environment"])}


def filled(template, fields):
    """The template with its fields; per cent as the course writes it, `99.4 %`."""
    return template.format(**fields).replace("%", " %")


class MeasuredRole(NumberRole):
    def read(self, name, template):
        return filled(template, load(self.env, name))


class MeasuredTable(MarkdownDirective):
    required_arguments = 2
    has_content = True
    classes = ("results",)

    def lines(self):
        name, place = self.arguments
        columns = yaml.safe_load("\n".join(self.content))
        try:
            rows = reduce(dict.__getitem__, place.split("."), load(self.env, name))
            named = rows.items() if isinstance(rows, dict) else enumerate(rows, start=1)
            cells = [[filled(cell, {"name": key, **fields}) for cell in columns.values()] for key, fields in named]
        except KeyError as error:
            raise ValueError(f"results/benchmarks/{name}.json has no {error} in {place}") from error
        return table(columns, cells)


def setup(app):
    app.add_role("measured", MeasuredRole())
    app.add_directive("measured-table", MeasuredTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
