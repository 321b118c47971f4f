"""Build cnncourse into a wheel and install it, without asking any other host."""

import subprocess
import sys

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def build(source, folder):
    """The wheel of the course in `source`, made in `folder`."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder]
    subprocess.run([*PIP, "wheel", *options, source], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel, folder):
    """Install into `folder`, which then goes on PYTHONPATH."""
    subprocess.run([*PIP, "install", "--no-deps", "--no-index", "--target", folder, wheel], check=True, timeout=120)
    return folder
