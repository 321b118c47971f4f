"""The pages of the API, made from the docstrings, and the links that lead to them."""

import inspect
import re
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import api  # noqa: E402

NAMES = [(room, name) for room in api.ROOMS for name in api.public(room)]


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_public_name_says_what_it_is(room, name):
    """A dataclass without a docstring has its signature for one."""
    value = api.public(room)[name]
    text = inspect.getdoc(value) or ""
    assert len(text.split()) >= 4
    assert not text.startswith(f"{name}(")


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_argument_that_is_described_is_one(room, name):
    value = api.public(room)[name]
    if inspect.isclass(value) and issubclass(value, Exception):
        return  # it is caught, not made
    described = re.search(r"^Args:\n((?:    .*\n|\n)*)", inspect.getdoc(value) + "\n", flags=re.M)
    names = re.findall(r"^    ([\w, *]+):", described[1], flags=re.M) if described else []
    words = {word for entry in names for word in re.findall(r"\w+", entry)}
    assert words <= set(inspect.signature(value).parameters)


def test_names_that_begin_with_an_underscore_are_the_librarys_own():
    assert [name for _, name in NAMES if name.startswith("_")] == []
    assert {"fit", "Loader", "summary", "DrawingPad", "trained"} <= {name for _, name in NAMES}
    assert {"Figure", "Tensor", "Path"}.isdisjoint(name for _, name in NAMES), "they are other libraries' names"


def test_every_room_has_its_page():
    contents = (ROOT / "_toc.yml").read_text(encoding="utf8")
    for room in api.ROOMS:
        assert f"- file: {api.page(room)}\n" in contents
        assert f"```{{api}} {room}\n" in (ROOT / f"{api.page(room)}.md").read_text(encoding="utf8")


def plain(a, b=2):
    """Plain."""


def starred(a, *, b=None, c=max):
    """After a star."""


def counted(*values, key=sorted, **others):
    """Any number."""


def functional(loss=inspect.cleandoc, kind=dict):
    """Functions and classes by their names."""


@dataclass
class Settings:
    """Settings."""

    loss: object = inspect.cleandoc

    def as_dict(self, deep=False):
        """As a dict."""

    def _own(self):
        """Private."""

    def bare(self):
        pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (plain, "call(a, b=2)"),
        (starred, "call(a, *, b=None, c=<built-in function max>)"),
        (counted, "call(*values, key=<built-in function sorted>, **others)"),
        (functional, "call(loss=cleandoc, kind=dict)"),
        (Settings, "call(loss=cleandoc)"),
        (Settings.as_dict, "call(deep=False)"),
        (KeyError, "call"),
    ],
)
def test_a_call_is_written_as_in_python(value, text):
    assert api.signature("call", value) == text


def test_a_long_call_has_a_line_for_each_argument():
    assert api.signature("a_function_with_a_long_name_" * 2, plain).splitlines()[1:] == ["    a,", "    b=2,", ")"]


def test_methods_are_those_that_the_class_itself_describes():
    assert [name for name, _ in api.methods(Settings)] == ["as_dict"]
    assert list(api.methods(plain)) == []


def test_sections_become_lists():
    docstring = inspect.cleandoc("""Do it.

        Args:
            images: uint8, or
                float32.
            labels: whole numbers.

        Returns:
            A tensor
            of N.

        Source: A paper, 2016.
        """)
    text = api.markdown(docstring)
    assert "- `images`: uint8, or float32.\n- `labels`: whole numbers.\n" in text
    assert "**Returns:** A tensor of N.\n" in text
    assert "**Source:** A paper, 2016.\n" in text


def test_what_is_indented_is_code():
    assert "```text\nx = 1\n    y\n```" in api.indented_code("For example:\n\n    x = 1\n        y\n")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from cnncourse.train import fit", ["fit"]),
        ("from cnncourse.train import fit, evaluate\nfit(1)", ["fit", "evaluate"]),
        ("from cnncourse.train import (\n    fit,\n    predict,\n)", ["fit", "predict"]),
        ("    from cnncourse.data import load as load_images", ["load"]),
        ("from cnncourse.experiments import RECIPES, run", ["run"]),
        ("from cnncourse import settings", []),
        ("from cnncourse.nowhere import fit", []),
        ("from torch import fit", []),
        ("# from cnncourse.train import fit", []),
    ],
)
def test_imports_are_found(code, names):
    assert [name for name, _ in api.imports(code)] == names


class Links(HTMLParser):
    """The links of a page, and the places in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text(encoding="utf8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "a":
            self.links.append(attributes.get("href", ""))


def test_every_name_has_its_place_and_the_first_page_leads_there(site):
    first = Links(site / "book" / "api.html").links
    for room, name in NAMES:
        assert name.lower() in Links(site / f"{api.page(room)}.html").ids
        assert f"api_{room}.html#{name.lower()}" in first


def test_chapters_lead_to_what_they_import(site):
    chapters = sorted((site / "notebooks").glob("*.html"))
    leading = {page.stem: [link for link in Links(page).links if "book/api_" in link] for page in chapters}
    assert [name for name, links in leading.items() if not links] == []
    assert "../book/api_train.html#fit" in leading["04_lenet5"]
    assert "../book/api_pad.html#export_web" in leading["12_draw_a_digit"]
    assert "New from the library: " in (site / "notebooks" / "04_lenet5.html").read_text(encoding="utf8")
