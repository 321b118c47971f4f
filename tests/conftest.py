"""What several test modules share."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built anew with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", folder, "-q"]
    build = subprocess.run([*command, "-W", "-n", "--keep-going"], capture_output=True, text=True, encoding="utf8")
    if build.returncode != 0:
        pytest.fail(f"The book can't be built, or has warnings:\n{build.stderr}", pytrace=False)
    return folder / "_build" / "html"
