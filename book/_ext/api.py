"""Sphinx extension: the public names of the library, from their docstrings, and links to them from the chapters.

The names of one room, each with what it takes and gives; and a table of all names, which leads to them:

    ```{api} data
    ```

    ```{api-names}
    ```

In a chapter, the first mention of a name leads there, from the section on that imports it; the key points end with
those that no earlier chapter imports.
"""

import inspect
import re
from functools import cache
from importlib import import_module
from textwrap import dedent

import nbformat
from common import MarkdownDirective, table
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOMS = (
    "data",
    "augment",
    "models",
    "train",
    "checkpoint",
    "analysis",
    "plots",
    "experiments",
    "handwriting",
    "pad",
    "settings",
)
SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Source):", re.M)
IMPORT = re.compile(r"^ *from cnncourse\.(\w+) import (\w[^\n]*|\([^)]*\))", re.M)


def page(room):
    """The page with a room's names."""
    return f"book/api_{room}"


@cache
def public(room):
    """The names of a room that a reader may import, with what they stand for."""
    module = import_module(f"cnncourse.{room}")
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    values = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {name: value for name, value in values.items() if inspect.isfunction(value) or inspect.isclass(value)}


def methods(value):
    """The public methods that a class defines and describes, with their names."""
    own = vars(value) if inspect.isclass(value) else {}
    for name in own:
        function = getattr(value, name)
        described = inspect.isroutine(function) and function.__module__ == value.__module__ and function.__doc__
        if described and not name.startswith("_"):
            yield name, function


def signature(name, value):
    """A call with what it takes; types stand in the text."""
    if inspect.isclass(value) and issubclass(value, Exception):
        return name
    texts, after_star = [], False
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not after_star:
            texts.append("*")
        after_star |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        plain = parameter.replace(annotation=parameter.empty)
        if inspect.isfunction(plain.default) or (inspect.isclass(plain.default) and plain.default is not plain.empty):
            texts.append(f"{plain.name}={plain.default.__name__}")
        elif plain.name != "self":
            texts.append(str(plain))
    call = f"{name}({', '.join(texts)})"
    return call if len(call) <= 60 else f"{name}(\n    " + ",\n    ".join(texts) + ",\n)"


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
    return re.sub(r"((?:^    .*\n?)+)", lambda code: f"\n```text\n{dedent(code[1]).strip()}\n```\n", text, flags=re.M)


class Api(SphinxDirective):
    required_arguments = 1

    def described(self, name, value, parts=()):
        """A section with what a name takes and gives, and the sections of its parts."""
        self.env.note_dependency(inspect.getsourcefile(value))
        text = f"```python\n{signature(name, value)}\n```\n\n{markdown(inspect.getdoc(value))}"
        title = nodes.title("", "", nodes.literal("", name))
        standard, place = self.env.get_domain("std"), (self.env.docname, name.lower())
        label = f"api-{self.arguments[0]}-{name.lower()}"
        standard.labels[label], standard.anonlabels[label] = (*place, name), place
        return nodes.section("", title, *self.parse_text_to_nodes(text), *parts, ids=[name.lower()])

    def run(self):
        return [
            self.described(name, value, [self.described(f"{name}.{own}", call) for own, call in methods(value)])
            for name, value in public(self.arguments[0]).items()
        ]


class ApiNames(MarkdownDirective):
    has_content = False

    def lines(self):
        rows = []
        for room in ROOMS:
            names = [f"[`{name}`](#api-{room}-{name.lower()})" for name in public(room)]
            rows.append([f"[{room}](/{page(room)}.md)", ", ".join(names)])
        return table(["Room", "Names"], rows, words=2)


def imports(code):
    """The public names that code imports from the library, each with its page and its place there."""
    for room, names in IMPORT.findall(code):
        if room in ROOMS:
            known = public(room)
            yield from ((name, (page(room), name.lower())) for name in re.findall(r"\w+", names) if name in known)


def taught(cell):
    """Whether a cell of a chapter is the lesson's own, neither a check nor a solution."""
    return "cell" in cell["classes"] and not {"tag_check", "tag_solution"} & set(cell["classes"])


def known_before(chapter):
    """The names that earlier chapters import."""
    earlier = [path for path in chapter.parent.glob("*.ipynb") if path.name < chapter.name]
    cells = [cell for path in earlier for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return dict(imports("\n".join(cell.source for cell in cells)))


def link_names(app, doctree, docname):
    """Link the names that a chapter imports to what the API says of them."""
    if not docname.startswith("notebooks/"):
        return

    def link(literal, name):
        place, anchor = places[name]
        address = f"{app.builder.get_relative_uri(docname, place)}#{anchor}"
        return nodes.reference("", "", literal, refuri=address, internal=True)

    places, linked, known = {}, set(), known_before(app.srcdir / f"{docname}.ipynb")
    for part in next(doctree.findall(nodes.section)):
        for cell in filter(taught, part.findall(nodes.container)):
            places |= imports("\n".join(code.astext() for code in cell.findall(nodes.literal_block)))
        for literal in list(part.findall(nodes.literal)):
            name = literal.astext().removesuffix("()")
            if name in places.keys() - linked and not isinstance(literal.parent, nodes.reference | nodes.title):
                linked.add(name)
                literal.replace_self(link(literal.deepcopy(), name))
        new = [name for name in places if name not in known]
        if "key-points" in part["ids"] and new:
            look_up = nodes.paragraph("", "New from the library: ", classes=["look-up"])
            for name in new:
                look_up += [nodes.Text(", ")] * (name != new[0])
                look_up += link(nodes.literal("", name), name)
            part += look_up


def setup(app):
    app.add_directive("api", Api)
    app.add_directive("api-names", ApiNames)
    app.connect("doctree-resolved", link_names)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
