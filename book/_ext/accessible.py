"""Sphinx extension: mends in the finished pages what the theme and its helpers get wrong for screen readers."""

import re
from pathlib import Path

REPAIRS = [
    # A label that hides the visible text: what one hears is then not what one sees.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<button class="btn search-button-field [^>]*?) aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1"),
    # A role that is no longer part of the standard, and a list that has other things than items in it.
    (r' role="doc-biblioentry"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    # What opens and closes a part of the side bar has no name.
    (r'<summary>(?=<span class="toctree-toggle")', '<summary aria-label="The pages below">'),
    # The side bar's logo and title stand outside every landmark.
    (r'<div id="pst-primary-sidebar" class', '<div id="pst-primary-sidebar" role="region" aria-label="Book" class'),
]


def repair(app, exception):
    if exception is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            html = page.read_text(encoding="utf8")
            repaired = html
            for fault, right in REPAIRS:
                repaired = re.sub(fault, right, repaired)
            if repaired != html:
                page.write_text(repaired, encoding="utf8")


def setup(app):
    app.connect("build-finished", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
