"""Where files are, and whether this is a quick run. The only module that reads environment variables."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent


def in_checkout() -> bool:
    """Whether the package runs from a clone of the course rather than from an installed wheel."""
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "notebooks").is_dir()


def quick() -> bool:
    """Whether `CNNCOURSE_QUICK` asks for the bundled sample and few steps, as the tests do.

    Raises:
        ValueError: it is neither 1, true, yes or on, nor 0, false, no, off or nothing.
    """
    value = os.environ.get("CNNCOURSE_QUICK", "0")
    word = value.strip().lower()
    if word not in ("1", "true", "yes", "on", "0", "false", "no", "off", ""):
        raise ValueError(f'CNNCOURSE_QUICK is "{value}": set it to 1 for the sample and few steps, to 0 for all')
    return word in ("1", "true", "yes", "on")


def data_dir() -> Path:
    """The folder of the full data sets: `CNNCOURSE_DATA`, else `data/` in a clone, else the user's cache."""
    if chosen := os.environ.get("CNNCOURSE_DATA"):
        return Path(chosen).expanduser()
    return CHECKOUT / "data" if in_checkout() else _user_cache() / "cnncourse"


def files(name: str) -> Path:
    """Return the folder `name` that comes with the course, in a clone or in a wheel.

    Args:
        name: "sample", "recipes" or "handwriting"; in a clone also "benchmarks".
    """
    if in_checkout():
        return CHECKOUT / {"sample": "data/sample"}.get(name, f"results/{name}")
    return Path(__file__).parent / "_files" / name


def results_dir() -> Path:
    """The folder that runs of recipes write to: the course's own in a clone, else `results/recipes` in this folder."""
    return files("recipes") if in_checkout() else Path("results", "recipes")


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Let the processes that are started meanwhile show no bars: several would write over each other."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
