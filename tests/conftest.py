"""What several test modules share."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import wheels
from chromium import CHROMIUM, OFFLINE, OPTIONS
from filelock import FileLock
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
torch.set_num_threads(1)  # the tests' tensors are small, and other tests run beside them


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the files in tests/golden anew")


SLOW = {"site", "wheel", "installed", "clone", "browser"}  # fixtures that take seconds


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        if SLOW & set(item.fixturenames):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Builds something in a folder of its own, once for all processes that run tests side by side."""

    def once(name, build):
        base = tmp_path_factory.getbasetemp()
        root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        folder, built = root / name, root / f"{name}.built"
        with FileLock(root / f"{name}.lock"):
            if not built.exists():
                folder.mkdir(exist_ok=True)
                built.write_text(str(build(folder)), encoding="utf8")
        return Path(built.read_text(encoding="utf8"))

    return once


@pytest.fixture
def golden(request):
    """Compares a text with a file in tests/golden; `pytest --update-golden` writes the file instead."""

    def compare(name: str, text: str):
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            path.write_text(text + "\n", encoding="utf8")
        assert text + "\n" == path.read_text(encoding="utf8")

    return compare


@pytest.fixture(scope="session")
def site(once):
    """The folder of the site, built anew with warnings as errors."""

    def build(folder):
        command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", folder, "-q"]
        done = subprocess.run([*command, "-W", "-n", "--keep-going"], capture_output=True, text=True, encoding="utf8")
        if done.returncode != 0:
            pytest.fail(f"The book can't be built, or has warnings:\n{done.stderr}", pytrace=False)
        return folder / "_build" / "html"

    return once("site", build)


@pytest.fixture(scope="session")
def wheel(once):
    """The library as a wheel, built from this folder as it is."""
    return once("wheel", lambda folder: wheels.build(ROOT, folder))


@pytest.fixture(scope="session")
def installed(wheel, once):
    """A folder with the library as it is on Colab: installed, away from the clone."""
    return once("installed", lambda folder: wheels.install(wheel, folder))


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(site):
    """The address of the built site, served from this machine."""
    handler = functools.partial(QuietHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window and without a network."""
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome on the PATH; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *OFFLINE])
        yield browser
        browser.close()
