"""Sphinx extension: the drawing pad in a page, with networks of the course to choose from.

    ```{drawing-pad}
    digitnet-best: DigitNet (chapter 8)
    seminar-cnn: SeminarCNN (chapter 9)
    ```

Each line is a recipe whose weights come with the course, and what the page calls its network. The weights are read when
the book is built, and written as one script a network, because a page that was opened from disk may load scripts, but
no data. Only this page loads the pad; `_static/drawing_pad.js` loads the networks when they are chosen.
"""

import base64
import html
import io
import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
import yaml
from common import leave_out
from docutils import nodes
from PIL import Image
from sphinx.util.docutils import SphinxDirective
from torch import Tensor

from cnncourse.data import CLASSES
from cnncourse.data._sources import sample_arrays
from cnncourse.experiments import RECIPES, trained, weights_file
from cnncourse.pad import JS, SCRIPTS, web_network

NEEDS_SCRIPT = "The drawing pad runs in your browser. Allow this page to run JavaScript, and load it again."


class drawing_pad(nodes.General, nodes.Element):
    """Where the pad stands; its networks are pairs of a name and a title."""


class DrawingPad(SphinxDirective):
    has_content = True

    def run(self):
        titles = yaml.safe_load("\n".join(self.content))
        try:
            for name in titles:
                script(name)
        except (KeyError, OSError, ValueError) as error:
            raise self.error(f"there is no network for the drawing pad: {error}") from error
        for path in (*(weights_file(name) for name in titles), *JS.iterdir()):
            self.env.note_dependency(str(path))
        return [drawing_pad(networks=list(titles.items()))]


@cache
def script(name: str) -> str:
    """Write a trained network as a script that hands it to the page, with pictures to start from if it reads colour."""
    network = web_network(trained(name))
    shown = pictures(RECIPES[name].data) if network["input"]["shape"][0] == 3 else []
    return f"cnncourse.networkFile({json.dumps(name)}, {json.dumps(network)}, {json.dumps(shown)});\n"


def pictures(data: str) -> list[dict[str, str]]:
    """Return one test picture of each class of the bundled sample, as a name and a PNG in a data URI."""
    images, labels = map(torch.from_numpy, sample_arrays(data, "test"))
    firsts = [int((labels == label).nonzero()[0]) for label in range(len(CLASSES[data]))]
    return [{"name": CLASSES[data][label], "address": png(images[first])} for label, first in enumerate(firsts)]


def png(image: Tensor) -> str:
    """Write an image, uint8 3×H×W, as a data URI."""
    content = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def place(translator, node):
    networks = [
        {"id": name, "title": title, "file": f"{name}.js?v={sha256(script(name).encode()).hexdigest()[:8]}"}
        for name, title in node["networks"]
    ]
    attribute = html.escape(json.dumps(networks))
    translator.body.append(f'<div class="drawing-pad" data-networks="{attribute}">')
    translator.body.append(f"<noscript><p>{NEEDS_SCRIPT}</p></noscript></div>\n")
    raise nodes.SkipNode


def load_pad(app, pagename, templatename, context, doctree):
    """Write the pad's files into the site, and load them on the pages that have a pad."""
    for pad in doctree.findall(drawing_pad) if doctree else ():
        folder = Path(app.outdir) / "_static" / "pad"
        (folder / "networks").mkdir(parents=True, exist_ok=True)
        for name in (*SCRIPTS, "pad.css"):
            (folder / name).write_bytes((JS / name).read_bytes())
        for name, _ in pad["networks"]:
            (folder / "networks" / f"{name}.js").write_text(script(name), encoding="utf8")
        app.add_css_file("pad/pad.css")
        for name in SCRIPTS:
            app.add_js_file(f"pad/{name}", loading_method="defer")
        app.add_js_file("drawing_pad.js", loading_method="defer")


def setup(app):
    app.add_node(drawing_pad, html=(place, None), latex=(leave_out, None), text=(leave_out, None))
    app.add_directive("drawing-pad", DrawingPad)
    app.connect("html-page-context", load_pad)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
