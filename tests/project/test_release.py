"""What says which version this is says the same everywhere, and the commands that the pages name exist."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from cnncourse import __version__

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "index.md", "book/instructors.md"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))


def text(name):
    return (ROOT / name).read_text(encoding="utf8")


def test_the_citation_has_what_its_format_asks_for():
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()
    assert all(set(author) <= {"name", "given-names", "family-names", "orcid"} for author in CITATION["authors"])
    assert CITATION["version"] == __version__
    assert isinstance(CITATION["date-released"], date)


def test_the_list_of_changes_begins_with_this_version():
    heads = re.findall(r"^## (.*)$", text("CHANGELOG.md"), flags=re.M)
    released = [head for head in heads if head != "Unreleased"]
    assert released[0] == f"{__version__} – {CITATION['date-released']}"
    assert heads.index(released[0]) <= 1


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_make_that_a_page_names_exists(page):
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), flags=re.M))
    named = set(re.findall(r"(?:^|`|&& )make ([a-z]+)", text(page), flags=re.M))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_links_exists(page):
    links = re.findall(r"\]\(([^)#:]+)\)", text(page))
    folder = (ROOT / page).parent
    assert [
        link for link in links if not any((folder / f"{link}{end}").exists() for end in ("", ".md", ".ipynb"))
    ] == []


def test_make_lists_every_target():
    targets = re.findall(r"^([a-z]+):", text("Makefile"), flags=re.M)
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), flags=re.M)[1].split()
    assert sorted(targets) == sorted(phony)
    assert all(re.search(rf"^{name}:.*## \w", text("Makefile"), flags=re.M) for name in targets)
