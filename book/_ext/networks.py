"""Sphinx extension: what the networks of `cnncourse.models` are made of, counted when the book is built.

A number in a sentence:

    {network}`SeminarCNN multiply_adds`   or parameters

A table of the layers, without those that only change each number alone: of all kinds, or of some:

    ```{layers-table} DigitNet
    :kinds: Conv2d MaxPool2d
    ```
"""

from functools import cache

from common import MarkdownDirective, NumberRole, row
from docutils.parsers.rst import directives

from cnncourse import models
from cnncourse._text import by
from cnncourse.analysis import summary


@cache
def counted(name):
    if not hasattr(models, name):
        raise ValueError(f"cnncourse.models has no {name!r}")
    return summary(getattr(models, name)())


class NetworkRole(NumberRole):
    def read(self, name, quantity):
        counts = counted(name)
        return f"{ {'parameters': counts.parameters, 'multiply_adds': counts.multiply_adds}[quantity]:,}"


class LayersTable(MarkdownDirective):
    required_arguments = 1
    option_spec = {"kinds": directives.unchanged}  # noqa: RUF012

    def lines(self):
        kinds = self.options.get("kinds", "").split()
        counts = counted(self.arguments[0])
        lines = [row(["Layer", "Output", "Parameters"]), row([":--", ":--", "--:"])]
        shape = counts.input_shape
        for name, output, parameters in counts.rows:
            kind = name.split("-")[0]
            if (kind in kinds) if kinds else (parameters or output != shape):
                lines.append(row([kind, by(output), f"{parameters:,}"]))
            shape = output
        return [*lines, row(["**all**", "", f"**{counts.parameters:,}**"])]


def setup(app):
    app.add_role("network", NetworkRole())
    app.add_directive("layers-table", LayersTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
