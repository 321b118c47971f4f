"""A JupyterLab of its own for a test."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat

import cnncourse


@contextmanager
def jupyterlab(tmp_path, code):
    """Give the address and the folder of a server whose notebook, cell.ipynb, has one cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, id="cell")])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    folder, settings = tmp_path / "notebooks", tmp_path / "settings/@jupyterlab/apputils-extension"
    folder.mkdir()
    settings.mkdir(parents=True)
    nbformat.write(notebook, folder / "cell.ipynb")
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONPATH": str(Path(cnncourse.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", "--allow-root"]
    options += [f"--notebook-dir={folder}", "--expose-app-in-browser", "--LabApp.extension_manager=readonly"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, cwd=folder, stdout=log, stderr=log
        )
        try:
            yield wait_for(lambda: address_of(tmp_path / "runtime"), server, tmp_path / "log"), folder
        finally:
            server.terminate()
            server.wait(30)


def address_of(runtime):
    """Where the server listens, as soon as it says so."""
    for file in runtime.glob("jpserver-*.json"):
        if text := file.read_text():
            return json.loads(text)["url"]
    return None


def wait_for(found, server, log, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        if value := found():
            return value
        time.sleep(0.2)
    raise TimeoutError(log.read_text())


def run_cell(page, address):
    """Open the notebook in JupyterLab, and run its cell."""
    page.context.set_default_timeout(120_000)
    page.goto(f"{address}lab/tree/cell.ipynb")
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
    page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")
    page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
