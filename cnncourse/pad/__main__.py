"""Write the drawing pad with a network as a page of its own, and open it.

    python -m cnncourse.pad                                  the best DigitNet of the course
    python -m cnncourse.pad --recipe cifarnet-best           another network that the course has trained
    python -m cnncourse.pad mine.json                        a network that `cnncourse.pad.export_web` wrote
    python -m cnncourse.pad mine.pt --recipe lenet5-mnist    weights or a checkpoint of a recipe's model

How the images are prepared is read from a checkpoint that says it, as `fit` writes one; else it is the recipe's way.

The page is one HTML file with the pad and the network in it, which works from disk and offline.
"""

import argparse
import sys
import webbrowser
from pathlib import Path

from cnncourse._files import write_whole
from cnncourse._text import printable
from cnncourse.pad.page import draw_page, read_file


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cnncourse.pad", description="Open the drawing pad with a network, as a page in the browser."
    )
    parser.add_argument(
        "file", nargs="?", type=Path, help="weights or a checkpoint (.pt), or a network of export_web (.json)"
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="whose model the .pt file is of, where its name does not say; without a file, whose network to open",
    )
    parser.add_argument("--output", type=Path, metavar="PATH", help="of the page (default: draw-NAME.html here)")
    parser.add_argument("--no-browser", action="store_true", help="write the page, but do not open it")
    options = parser.parse_args(arguments)
    try:
        title, network = read_file(options.file, options.recipe)
        output = options.output or Path(f"draw-{title}.html")
        write_whole(output, draw_page(network, title))
    except UnicodeEncodeError as error:
        sys.exit(f"The name of {options.file}, or of its network, can't be written: {error}. Give it another name.")
    except (ValueError, OSError) as error:
        sys.exit(f"{error}")
    print(printable(f"{output}: {output.stat().st_size / 1000:,.0f} kB, the pad with {title} in one file."))
    if options.no_browser or not webbrowser.open(output.resolve().as_uri()):
        print("Open it in a browser. It also works offline.")


if __name__ == "__main__":
    main()
