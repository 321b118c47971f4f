"""Write the address of the course's repository, and the version that its notebooks install, wherever they stand.

    python tools/set_address.py https://github.com/you/yours
    python tools/set_address.py                                 only the version, which cnncourse/__init__.py has

A notebook that is opened alone installs the release that it was written for, by its tag: v1.0.0 for version 1.0.0.

`_config.yml` has the address first: from there the book takes its links and its launch buttons. The notebooks' first
cells, README.md, CITATION.cff and pyproject.toml repeat it, because they are read where `_config.yml` is not.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GITHUB = "https://github.com/"


def places(root: Path) -> list[Path]:
    """The files that hold the address."""
    names = ["_config.yml", "README.md", "pyproject.toml", "CITATION.cff"]
    return [root / name for name in names] + sorted((root / "notebooks").glob("*.ipynb"))


def address(root: Path) -> str:
    """The address that `_config.yml` has now."""
    return re.search(r"^repository:\s+url: (\S+)", (root / "_config.yml").read_text(encoding="utf8"), re.M)[1]


def checked(url: str) -> str:
    """`url` without what a browser or git adds to its end.

    Raises:
        ValueError: it is not the address of a repository on GitHub, the only place that Colab opens notebooks from.
    """
    url = url.strip().removesuffix("/").removesuffix(".git")
    if not re.fullmatch(GITHUB + r"[A-Za-z0-9-]+/[\w.-]+", url, re.ASCII):
        raise ValueError(f"{url!r} is not an address like {GITHUB}you/yours, which Colab and the notebooks need.")
    return url


def version(root: Path) -> str:
    """The version of the library."""
    return re.search(r'^__version__ = "(\S+)"', (root / "cnncourse/__init__.py").read_text(encoding="utf8"), re.M)[1]


def set_address(root: Path, url: str) -> list[Path]:
    """Replace the address by `url`, and the tag by that of the version; return the files that changed."""
    old, new = address(root).removeprefix(GITHUB), checked(url).removeprefix(GITHUB)
    folder, tag = new.partition("/")[2], f"v{version(root)}"
    # Colab's own links name a repository as …/github/you/yours.
    pattern = re.compile(rf"(github(?:\.com)?/){re.escape(old)}(?![\w-])")
    changed = []
    for path in places(root):
        before = path.read_text(encoding="utf8")
        after = pattern.sub(rf"\g<1>{new}", before)
        after = re.sub(rf"({re.escape(new)} && cd )\S+", rf"\g<1>{folder}", after)
        after = re.sub(rf"(git\+{GITHUB}{re.escape(new)})(@v[\w.]+)?", rf"\g<1>@{tag}", after)
        if after != before:
            path.write_text(after, encoding="utf8", newline="\n")
            changed.append(path)
    return changed


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(f"Say which address: make address URL={GITHUB}you/yours")
    try:
        files = set_address(ROOT, *(sys.argv[1:] or [address(ROOT)]))
    except ValueError as error:
        sys.exit(str(error))
    for file in files:
        print(f"Changed {file.relative_to(ROOT)}")
    print(f"The repository's address is {address(ROOT)}, and notebooks install v{version(ROOT)} from there")
