"""What several extensions of the book need: result files, Markdown tables, and roles and directives made of them."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, SphinxRole

from cnncourse import settings
from cnncourse.experiments import load_results, machine


def load(recipe, env):
    """Read the result file of a recipe; the page that asks for it is built again when the file changes."""
    env.note_dependency(str(settings.files("recipes") / f"{recipe}.json"))
    try:
        result = load_results(recipe)
    except FileNotFoundError as error:
        raise ValueError(f"{error}, or run all that are missing: make results") from error
    if not result["runs"]:
        raise ValueError(f"the results of {recipe!r} hold no run; delete the file, then: make results")
    return result


def machines(result):
    """Name all machines that a recipe's runs were made on."""
    return "; ".join(dict.fromkeys(machine(run["environment"]) for run in result["runs"]))


def signed(number, digits=2):
    """Write a number with its sign as in print: +0.10, −0.10, +∞."""
    return f"{number:+.{digits}f}".replace("-", "−").replace("inf", "∞")


def row(cells):
    """Write one row of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def table(head, rows, words=1):
    """Write a Markdown table, as lines; its first columns are of words, the others are of numbers."""
    return [row(head), row([":--"] * words + ["--:"] * (len(head) - words)), *map(row, rows)]


class NumberRole(SphinxRole):
    """A role whose words become the text that `read(*words)` returns; what it can't read is a build error."""

    def run(self):
        try:
            return [nodes.Text(self.read(*self.text.split()))], []
        except (ValueError, KeyError, TypeError) as error:
            message = self.inliner.reporter.error(f"{{{self.name}}}`{self.text}`: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


class MarkdownDirective(SphinxDirective):
    """A directive that becomes the Markdown of `lines()`; what it can't make is a build error."""

    classes = ()

    def run(self):
        try:
            lines = self.lines()
        except ValueError as error:
            raise self.error(str(error)) from error
        content = nodes.container(classes=list(self.classes))
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), self.content_offset, content)
        return [content]


def leave_out(translator, node):
    """Show nothing of a node, where the output is no page with scripts."""
    raise nodes.SkipNode


def width_on_page(png: bytes) -> int:
    """The width of a notebook's figure on the page, half of its pixels, so that it is sharp on any screen."""
    return int.from_bytes(png[16:20]) // 2  # where a PNG file says its width
