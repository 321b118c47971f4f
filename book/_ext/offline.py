"""Sphinx extension: MathJax comes with the site, so that no page asks another host for anything.

The pip package sphinx-mathjax-offline holds all of MathJax (24 MB). One file of it is enough: TeX in, SVG out,
every TeX package included, no font files. It also works when a page is opened from disk. Only a page with a formula
loads it: Sphinx would load it on every page whose contents have one.
"""

from importlib.util import find_spec
from pathlib import Path

from sphinx.util.fileutil import copy_asset

MATHJAX = "tex-svg-full.js"


def copy_mathjax(app, exception):
    if exception is None and app.builder.format == "html":
        source = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax" / MATHJAX
        copy_asset(source, Path(app.outdir) / "_static" / "mathjax")


def without_formulas(app, pagename, templatename, context, doctree):
    if not app.env.get_domain("math").data["has_equations"].get(pagename, False):
        context["script_files"] = [file for file in context["script_files"] if not is_of_mathjax(file)]


def is_of_mathjax(file):
    """Whether a script is MathJax, or its settings, which have no file."""
    return MATHJAX in str(file) or "MathJax" in (getattr(file, "attributes", {}).get("body") or "")


def setup(app):
    app.config.mathjax_path = f"mathjax/{MATHJAX}"
    app.connect("html-page-context", without_formulas, priority=900)  # after Sphinx has added it
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
