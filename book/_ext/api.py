"""Sphinx extension: the public names of the library, from their docstrings, and links to them from the chapters.

The names of one room, with what they take and give:

    ```{api} data
    ```

In a chapter, the first mention of such a name, as `fit` or `cnncourse.train.fit`, leads to it.
"""

import inspect
import re
from functools import cache
from importlib import import_module

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

PAGE = "book/api"
ROOMS = ("data", "augment", "models", "train", "checkpoint", "analysis", "plots", "experiments", "pad", "settings")
SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Source):", re.M)


@cache
def public(room):
    """The names of a room that a reader may import, with what they stand for."""
    module = import_module(f"cnncourse.{room}")
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    values = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {name: value for name, value in values.items() if inspect.isfunction(value) or inspect.isclass(value)}


def anchor(room, name):
    """Where a name stands on the page."""
    return f"api-{room}-{name}".lower().replace("_", "-")


def methods(value):
    """The public methods that a class adds, with their names."""
    own = vars(value) if inspect.isclass(value) else {}
    for name in own:
        function = getattr(value, name)
        if not name.startswith("_") and inspect.isroutine(function) and function.__doc__:
            yield name, function


def signature(name, value):
    """A call with what it takes; types stand in the text."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return name
    texts, after_star = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not after_star:
            texts.append("*")
            after_star = True
        plain = parameter.replace(annotation=parameter.empty)
        default = plain.default
        if default is not plain.empty and (inspect.isfunction(default) or inspect.isclass(default)):
            plain = plain.replace(default=parameter.empty)
            texts.append(f"{plain.name}={default.__name__}")
        else:
            after_star |= parameter.kind is parameter.VAR_POSITIONAL
            texts.append(str(plain))
    call = f"{name}({', '.join(texts)})"
    return call if len(call) <= 80 else f"{name}(\n    " + ",\n    ".join(texts) + ",\n)"


def markdown(docstring):
    """A docstring as Markdown: its sections in bold, what they list as lists."""
    lines = []
    for part in re.split(r"(?=^(?:Args|Attributes|Returns|Raises|Source):)", docstring, flags=re.M):
        match = SECTIONS.match(part)
        if not match:
            lines.append(indented_code(part))
        elif match[1] in ("Returns", "Source"):
            text = " ".join(line.strip() for line in part[match.end() :].strip().splitlines())
            lines.append(f"**{match[1]}:** {text}\n")
        else:
            lines.append(f"**{match[1]}:**\n")
            for entry in re.split(r"\n(?=    \S)", part[match.end() :].strip("\n")):
                head, _, text = entry.strip().partition(": ")
                text = " ".join(line.strip() for line in text.splitlines())
                lines.append(f"- `{head}`: {text}" if text else f"- {head}")
            lines.append("")
    return "\n".join(lines)


def indented_code(text):
    """What is indented in a docstring is code."""
    return re.sub(r"((?:^    .*\n?)+)", lambda code: f"\n```text\n{inspect.cleandoc(code[1])}\n```\n", text, flags=re.M)


class Api(SphinxDirective):
    required_arguments = 1

    def run(self):
        room = self.arguments[0]
        self.env.note_dependency(import_module(f"cnncourse.{room}").__file__)
        found = []
        for name, value in public(room).items():
            found.append(nodes.target("", "", ids=[anchor(room, name)]))
            found.append(nodes.rubric("", "", nodes.literal("", f"cnncourse.{room}.{name}"), classes=["api"]))
            found += self.described(name, value)
            for method, function in methods(value):
                found += self.described(f"{name}.{method}", function)
        return found

    def described(self, name, value):
        """A call and its docstring."""
        call = f"```python\n{signature(name, value)}\n```"
        return self.parse_text_to_nodes(f"{call}\n\n{markdown(inspect.getdoc(value) or '')}")


def link_names(app, doctree, docname):
    """Link the first mention of each public name in a chapter."""
    if not docname.startswith("notebooks/") or PAGE not in app.env.found_docs:
        return
    page = app.builder.get_relative_uri(docname, PAGE)
    places = {}
    for room in ROOMS:
        for name in public(room):
            address = f"{page}#{anchor(room, name)}"
            places.setdefault(name, address)
            places[f"cnncourse.{room}.{name}"] = address
    for literal in list(doctree.findall(nodes.literal)):
        if isinstance(literal.parent, nodes.reference | nodes.title):
            continue
        address = places.pop(literal.astext().removesuffix("()"), None)
        if address:
            literal.replace_self(nodes.reference("", "", literal.deepcopy(), refuri=address, internal=True))


def setup(app):
    app.add_directive("api", Api)
    app.connect("doctree-resolved", link_names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
