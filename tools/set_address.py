"""Write the address of the course's repository, and its release, wherever they stand.

    python tools/set_address.py https://github.com/you/yours     another address: make address URL=…
    python tools/set_address.py --release 1.2.0                  another release: make release VERSION=…

A notebook that is opened alone installs the release that it was written for, by its tag (v1.0.0 for version 1.0.0), and
the site opens on Colab the notebooks of that tag.

`_config.yml` has the address first, and cnncourse/__init__.py the version. The notebooks' first cells, README.md,
CITATION.cff and pyproject.toml repeat them, because they are read where those files are not.
"""

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GITHUB = "https://github.com/"
COLAB = "https://colab.research.google.com/github/"


def places(root: Path) -> list[Path]:
    """The files that hold the address."""
    names = ["_config.yml", "README.md", "pyproject.toml", "CITATION.cff"]
    return [root / name for name in names] + sorted((root / "notebooks").glob("*.ipynb"))


def address(root: Path) -> str:
    """The address that `_config.yml` has now."""
    return re.search(r"^repository:\s+url: (\S+)", (root / "_config.yml").read_text(encoding="utf8"), re.M)[1]


def version(root: Path) -> str:
    """The version of the library."""
    return re.search(r'^__version__ = "(\S+)"', (root / "cnncourse/__init__.py").read_text(encoding="utf8"), re.M)[1]


def checked(url: str) -> str:
    """`url` without what a browser or git adds to its end.

    Raises:
        ValueError: it is not the address of a repository on GitHub, the only place that Colab opens notebooks from.
    """
    url = url.strip().removesuffix("/").removesuffix(".git")
    if not re.fullmatch(GITHUB + r"[A-Za-z0-9-]+/[\w.-]+", url, re.ASCII):
        raise ValueError(f"{url!r} is not an address like {GITHUB}you/yours, which Colab and the notebooks need.")
    return url


def write(path: Path, replacements: list[tuple[str, str]]) -> bool:
    """Replace patterns in a file, and say whether that changed it."""
    before = after = path.read_text(encoding="utf8")
    for pattern, replacement in replacements:
        after = re.sub(pattern, replacement, after, flags=re.M)
    if after != before:
        path.write_text(after, encoding="utf8", newline="\n")
    return after != before


def set_address(root: Path, url: str) -> list[Path]:
    """Replace the address by `url`, and the tag by that of the version; return the files that changed."""
    old, new = re.escape(address(root).removeprefix(GITHUB)), checked(url).removeprefix(GITHUB)
    tag, here = f"v{version(root)}", re.escape(new)
    replacements = [
        (rf"(github(?:\.com)?/){old}(?![\w-])", rf"\g<1>{new}"),  # Colab's links name it as …/github/you/yours
        (rf"({here} && cd )\S+", rf"\g<1>{new.partition('/')[2]}"),
        (rf"(git\+{GITHUB}{here})(@v[\w.]+)?", rf"\g<1>@{tag}"),
        (rf"({COLAB}{here}/blob/)[^/]+", rf"\g<1>{tag}"),
        (rf"^(repository:\s+url: {GITHUB}{here}\s+branch: )\S+", rf"\g<1>{tag}"),
    ]
    return [path for path in places(root) if write(path, replacements)]


def set_version(root: Path, new: str) -> list[Path]:
    """Write the version and today's date where they stand first; return the files that changed.

    Raises:
        ValueError: it is not a version of three numbers, or the list of changes has nothing to say of it.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", new, re.ASCII):
        raise ValueError(f"{new!r} is not a version of three numbers, as 1.2.0.")
    head, today = rf"^## (?:Unreleased|{re.escape(new)} – .*)$", datetime.date.today().isoformat()
    if not re.search(rf"{head}\s*(?!## |\s|\Z)", (root / "CHANGELOG.md").read_text(encoding="utf8"), re.M):
        raise ValueError(f"CHANGELOG.md does not say what {new} changes: write it there, under '## Unreleased'.")
    replacements = {
        "cnncourse/__init__.py": [(r'^__version__ = ".*"', f'__version__ = "{new}"')],
        "CHANGELOG.md": [(head, f"## {new} – {today}")],
        "CITATION.cff": [(r"^version: .*", f"version: {new}"), (r"^date-released: .*", f"date-released: {today}")],
    }
    return [root / name for name, pairs in replacements.items() if write(root / name, pairs)]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", nargs="?", help=f"as {GITHUB}you/yours; without it, the address stays")
    parser.add_argument("--release", metavar="VERSION", help="as 1.2.0; without it, the version stays")
    options = parser.parse_args(arguments)
    try:
        url = checked(address(ROOT) if options.url is None else options.url)
        changed = [] if options.release is None else set_version(ROOT, options.release)
        changed += set_address(ROOT, url)
    except ValueError as error:
        sys.exit(str(error))
    for file in dict.fromkeys(changed):
        print(f"Changed {file.relative_to(ROOT)}")
    tag = f"v{version(ROOT)}"
    force = "" if options.release else "-f "  # a copy of the repository may have brought the tag along
    print(f"The repository's address is {address(ROOT)}, and notebooks install {tag} from there. To publish that:\n")
    print(f'    git commit -am "Release {tag}"\n    git tag {force}{tag}\n    git push && git push {force}origin {tag}')


if __name__ == "__main__":
    main(sys.argv[1:])
