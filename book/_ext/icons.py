"""Sphinx extension: of the theme's 2,000 icons the site keeps those that its pages show.

Font Awesome comes with the theme as one script of 1.5 MB, more than all else on a page together.
"""

import re
from pathlib import Path

SCRIPT = "_static/scripts/fontawesome.js"
# "bars":[448,512,["navicon"],"f0c9","M0 96…"], as the script has it: the name, its aliases, and the drawing.
ICON = re.compile(r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?')


def icons_of(folder):
    """The names of the icons in all pages, and in the scripts that may add some."""
    files = [
        *folder.rglob("*.html"),
        *(folder / "_static").glob("*.js"),
        *(folder / "_static" / "scripts").glob("*.js"),
    ]
    texts = (path.read_text(encoding="utf8") for path in files if path.name != "fontawesome.js")
    return {name for text in texts for name in re.findall(r"\bfa-([a-z0-9-]+)", text)}


def keep_used(app, exception):
    script = Path(app.outdir) / SCRIPT
    if exception is None and script.is_file():
        used = icons_of(Path(app.outdir))

        def kept(icon):
            names = {icon[1], *re.findall(r"[a-z0-9-]+", icon[2])}
            return icon[0] if names & used else ""

        script.write_text(ICON.sub(kept, script.read_text(encoding="utf8")), encoding="utf8")


def setup(app):
    app.connect("build-finished", keep_used)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
