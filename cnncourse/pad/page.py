"""The files of the drawing pad, and the pad with a network as one HTML file."""

import html
import json
from pathlib import Path
from typing import Any

from cnncourse._model import carry
from cnncourse.checkpoint import load_weights
from cnncourse.experiments import RECIPES, trained
from cnncourse.pad.export import FORMAT, web_network

JS = Path(__file__).with_name("js")
SCRIPTS = (  # each needs those before it
    "network.js",
    "resize.js",
    "digit.js",
    "samples.js",
    "parts.js",
    "board.js",
    "pictures.js",
    "input.js",
    "bars.js",
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
<title>{title} on the drawing pad</title>
<style>
:root {{ color-scheme: light dark; background: light-dark(#fff, #14181d); color: light-dark(#1f2933, #e6ebf2); }}
body {{ max-width: 60rem; margin: 0 auto; padding: 1rem; font-family: system-ui, sans-serif; line-height: 1.5; }}
{style}
</style>
</head>
<body>
<main>
<h1>The drawing pad</h1>
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


def sample_drawings() -> list[dict[str, Any]]:
    """Return the pad's own drawings, {"digit": 7, "strokes": […]}, at least one of each digit."""
    script = (JS / "samples.js").read_text(encoding="utf8")
    drawings: list[dict[str, Any]] = json.loads(script.split("cnncourse.SAMPLES = ")[1].split(";")[0])
    return drawings


def draw_page(network: dict[str, Any], title: str) -> str:
    """Write the pad with a network as a page that needs no other file and no other host.

    Args:
        network: of `cnncourse.pad.web_network`, or read from a file of `export_web`.
        title: what the page calls the network.
    """
    scripts = "\n".join((JS / name).read_text(encoding="utf8") for name in SCRIPTS)
    style = (JS / "pad.css").read_text(encoding="utf8")
    return PAGE.format(
        title=html.escape(title), style=style, scripts=scripts, network=_script(network), name=_script(title)
    )


def _script(value: object) -> str:
    """Write JSON that may stand in a script of an HTML page: no < can end the script."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def read_file(file: Path | None = None, recipe: str | None = None) -> tuple[str, dict[str, Any]]:
    """Read a network from a file: its title, and the network as a dict, as `web_network` gives it.

    Args:
        file: of `export_web` (.json), or a checkpoint or weights of a recipe's model; without it, the network that the
            course has trained with the recipe.
        recipe: whose model the file is of; without it, the recipe that the file is named after, or the best DigitNet.

    Raises:
        ValueError: the file is damaged, is no network or of another model, or is not named after a recipe.
        OSError: it can't be read.
    """
    if file is not None and file.suffix.lower() == ".json":
        return file.stem, _read_json(file)
    name = recipe or ("digitnet-best" if file is None else file.stem)
    if name not in RECIPES:
        raise ValueError(
            f"Which model is {file or 'that'} of? {name!r} is no recipe. Say it with --recipe, one of: "
            f"{', '.join(RECIPES)}. Or write your own model to a JSON file with export_web, and give that."
        )
    if file is None:
        return name, web_network(trained(name))
    model = load_weights(file, RECIPES[name].model())
    if getattr(model, "preprocessing", None) is None:  # the file holds weights alone
        carry(model, RECIPES[name].preprocessing)
    return file.stem, web_network(model)


def _read_json(file: Path) -> dict[str, Any]:
    """Read a file that says it is a network. Whether it is a whole one, the page finds out and says."""
    again = "Write it again with cnncourse.pad.export_web."
    try:
        network = json.loads(file.read_text(encoding="utf8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # no JSON, or no text; or lists too deep within each other
        raise ValueError(f"{file} is not JSON: {error}. {again}") from error
    if not isinstance(network, dict) or network.get("format") != FORMAT:
        raise ValueError(f"{file} is not a network: cnncourse.pad.export_web writes such files.")
    return network


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
