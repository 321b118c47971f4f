"""The files of the drawing pad, and the pad with a network as one HTML file."""

import html
import json
from collections.abc import Sequence
from pathlib import Path

from cnncourse._text import by
from cnncourse.checkpoint import load_weights
from cnncourse.experiments.recipes import RECIPES
from cnncourse.experiments.results import weights_file
from cnncourse.pad.export import FORMAT, VERSION, web_network
from cnncourse.pad.export_layers import LAYERS

JS = Path(__file__).with_name("js")
SCRIPTS = (  # each needs those before it
    "network.js",
    "digit.js",
    "samples.js",
    "parts.js",
    "board.js",
    "layers.js",
    "failures.js",
    "pad.js",
)
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Draw a digit: {title}</title>
<style>
:root {{ color-scheme: light dark; background: light-dark(#fff, #14181d); color: light-dark(#1f2933, #e6ebf2); }}
body {{ max-width: 60rem; margin: 0 auto; padding: 1rem; font-family: system-ui, sans-serif; line-height: 1.5; }}
{style}
</style>
</head>
<body>
<main>
<h1>Draw a digit</h1>
<div id="pad"></div>
</main>
<script>
{scripts}
{{
  const load = async () => cnncourse.readNetwork({network});
  const networks = [{{ id: "own", title: {name}, load }}];
  cnncourse.createPad(document.getElementById("pad"), {{ networks, openFile: true, headingLevel: 2 }});
}}
</script>
</body>
</html>
"""


def sample_drawings() -> list[dict]:
    """The pad's own drawings, at least one of each digit: {"digit": 7, "strokes": […]}, see `cnncourse.pad.digits`."""
    script = (JS / "samples.js").read_text(encoding="utf8")
    return json.loads(script.split("cnncourse.SAMPLES = ")[1].split(";")[0])


def draw_page(network: dict, title: str) -> str:
    """A page that needs no other file and no other host.

    Args:
        network: of `cnncourse.pad.export.web_network`, or read from a file of `export_web`.
        title: what the page calls the network.
    """
    scripts = "\n".join((JS / name).read_text(encoding="utf8") for name in SCRIPTS)
    style = (JS / "pad.css").read_text(encoding="utf8")
    return PAGE.format(
        title=html.escape(title), style=style, scripts=scripts, network=_script(network), name=_script(title)
    )


def _script(value: object) -> str:
    """JSON that may stand in a script of an HTML page: no < can end the script."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def read_file(file: Path | None = None, recipe: str | None = None) -> tuple[str, dict]:
    """A network from a file: its title and the network as a dict, as `web_network` gives it.

    Args:
        file: of `export_web` (.json), or a checkpoint or weights of a recipe's model; without it, the best DigitNet.
        recipe: whose model the file is of; without it, the recipe that the file is named after.

    Raises:
        ValueError: the file is damaged, is no network or of another model, or is not named after a recipe.
        OSError: it can't be read.
    """
    if file is None:
        file = weights_file(recipe or "digitnet-best")
    if file.suffix.lower() == ".json":
        network = _read_json(file)
        check_pad_images(file.name, network["input"]["shape"])
        return file.stem, network
    recipe = recipe or file.stem
    if recipe not in RECIPES:
        raise ValueError(
            f"Which model is {file} of? {recipe!r} is no recipe. Say it with --recipe, one of: {', '.join(RECIPES)}. "
            "Or write your own model to a JSON file with cnncourse.pad.export.export_web, and give that."
        )
    settings = RECIPES[recipe]
    model = load_weights(file, settings.model())
    network = web_network(model, data=settings.data)
    check_pad_images(network["name"], network["input"]["shape"])
    return file.stem, network


def check_pad_images(name: str, shape: Sequence[int]) -> None:
    """Raise an error where a network takes other images than the pad can make."""
    channels, height, width = shape
    if channels != 1 or height != width:
        raise ValueError(
            f"{name} takes images of {by(shape)}. The pad draws grey squares: it needs a network for "
            "1×28×28 or another 1×S×S."
        )


def _read_json(file: Path) -> dict:
    """A network that the page can read, as far as can be seen without its weights."""
    again = "Write it again with cnncourse.pad.export.export_web."
    try:
        network = json.loads(file.read_text(encoding="utf8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # no JSON, or no text; or lists too deep within each other
        raise ValueError(f"{file} is not JSON: {error}. {again}") from error
    if not isinstance(network, dict) or network.get("format") != FORMAT:
        raise ValueError(f"{file} is not a network: cnncourse.pad.export.export_web writes such files.")
    version = network.get("version")
    if version != VERSION:
        raise ValueError(f"{file} has version {version} of the network format, but the page knows {VERSION}. {again}")
    try:
        shape, types = network["input"]["shape"], [layer["type"] for layer in network["layers"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged. {again}") from error
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError(f"{file} is damaged: the shape of its images is {shape}. {again}")
    if not types:
        raise ValueError(f"{file} is damaged: it has no layers. {again}")
    known = [layer.__name__ for layer in LAYERS]
    for kind in types:
        if kind not in known:
            raise ValueError(f"{file} has a layer {kind!r}, but the page can run only {', '.join(known)}.")
    return network


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
