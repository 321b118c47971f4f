"""What several test modules share."""

import functools
import http.server
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import wheels
from chromium import CHROMIUM, OFFLINE, OPTIONS
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
torch.set_num_threads(1)  # the tests' tensors are small, and other tests run beside them


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the files in tests/golden anew")


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


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
def site(tmp_path_factory):
    """The folder of the site, built anew with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", folder, "-q"]
    build = subprocess.run([*command, "-W", "-n", "--keep-going"], capture_output=True, text=True, encoding="utf8")
    if build.returncode != 0:
        pytest.fail(f"The book can't be built, or has warnings:\n{build.stderr}", pytrace=False)
    return folder / "_build" / "html"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The library as a wheel, built from this folder as it is."""
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder with the library as it is on Colab: installed, away from the clone."""
    return wheels.install(wheel, tmp_path_factory.mktemp("installed"))


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
