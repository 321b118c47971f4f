"""Fetch the full data sets: `python -m cnncourse.data` all three, `python -m cnncourse.data MNIST` only one."""

import argparse
import sys

from cnncourse import settings
from cnncourse._text import printable
from cnncourse.data._sources import SETS, SourceError, fetch


def main() -> None:
    """Fetch the named sets, or all; one line for each says where it came from."""
    parser = argparse.ArgumentParser("python -m cnncourse.data", description="Fetch the full data sets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SETS)}; without a name: all")
    failed = False
    for name in parser.parse_args().names or SETS:
        try:
            source = fetch(name)
        except (SourceError, ValueError) as error:
            print(error, file=sys.stderr)
            failed = True
        else:
            place = f"already in {settings.data_dir()}" if source == "cache" else f"from {source}"
            print(printable(f"{name}: {place}"))
    sys.exit(failed)


if __name__ == "__main__":
    main()
