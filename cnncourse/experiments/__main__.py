"""Run the recipes of the course over seeds.

    python -m cnncourse.experiments list
    python -m cnncourse.experiments run lenet5-relu-max --seeds 5

What the runs measure goes to `results/recipes/NAME.json`: of the course in a clone, else of the current folder.
"""

import argparse
import sys
from pathlib import Path

from cnncourse.data import SourceError
from cnncourse.experiments.recipes import RECIPES
from cnncourse.experiments.results import load_results
from cnncourse.experiments.runs import run


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: those of the command line unless given.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cnncourse.experiments", description="Run the recipes of the course."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    lister = commands.add_parser("list", help="name the recipes and how many runs each has")
    runner = commands.add_parser("run", help="run recipes over the seeds that their result files lack")
    runner.add_argument("names", nargs="*", metavar="NAME", help="recipes; without a name, all of them")
    runner.add_argument("--seeds", type=int, default=5, help="how many seeds each recipe shall have (default: 5)")
    for command in (lister, runner):
        command.add_argument("--results", type=Path, metavar="FOLDER", help="of the files (default: the course's own)")
    options = parser.parse_args(arguments)

    if options.command == "list":
        for name in RECIPES:
            print(f"{name}: {_number_of_runs(name, options.results)} runs")
        return
    for name in options.names:
        if name not in RECIPES:
            sys.exit(f"There is no recipe {name!r}. There are {', '.join(RECIPES)}.")
    try:
        for name in options.names or RECIPES:
            run(name, RECIPES[name], options.seeds, options.results)
    except (ValueError, FloatingPointError, OSError, SourceError) as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. The finished epochs are kept: the same command goes on from there.")


def _number_of_runs(name: str, folder: Path | None) -> int:
    try:
        return len(load_results(name, folder)["runs"])
    except FileNotFoundError:
        return 0
    except ValueError as error:
        sys.exit(str(error))  # a damaged file, which it names


if __name__ == "__main__":
    main()
