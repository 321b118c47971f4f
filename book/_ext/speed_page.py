"""Sphinx extension: the ratios that `benchmarks/speed.py` measured, from `results/speed.json`.

A table with a row for each ratio and a column for each network, and single numbers:

    ```{speed-table}
    ```

    {speed}`machine`   or threads, import_seconds, fit_megabytes
"""

import json

from docutils import nodes
from docutils.statemachine import StringList
from results_pages import NumberRole, machine, row
from sphinx.util.docutils import SphinxDirective

from cnncourse import settings


def load_speed(env):
    path = settings.files("results") / "speed.json"
    env.note_dependency(str(path))
    if not path.is_file():
        raise ValueError("results/speed.json is missing. Measure it: python benchmarks/speed.py")
    return json.loads(path.read_text(encoding="utf8"))


class SpeedRole(NumberRole):
    def read(self, quantity):
        speed = load_speed(self.env)
        return {
            "machine": machine(speed),
            "threads": f"{speed['threads']}",
            "import_seconds": f"{speed['import_seconds']:.2f}",
            "fit_megabytes": f"{speed['fit_megabytes']:.0f}",
        }[quantity]


class SpeedTable(SphinxDirective):
    def run(self):
        try:
            cases = load_speed(self.env)["cases"]
        except ValueError as error:
            raise self.error(str(error)) from error
        names = next(iter(cases.values()))["ratios"]
        table = [row(["Time of … / time of …", *cases]), row([":--"] + ["--:"] * len(cases))]
        table += [row([name, *(f"{case['ratios'][name]:.2f}" for case in cases.values())]) for name in names]
        content = nodes.container(classes=["results"])
        self.state.nested_parse(StringList(table, self.get_source_info()[0]), self.content_offset, content)
        return [content]


def setup(app):
    app.add_role("speed", SpeedRole())
    app.add_directive("speed-table", SpeedTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
