"""Execute the chapters in full, on the full data, and keep their outputs.

    python tools/run_notebooks.py                                      all chapters
    python tools/run_notebooks.py notebooks/01_images_and_tensors.ipynb

Each runs on two CPU cores, whatever else the machine has, so that its outputs and its running time mean the same
everywhere. A notebook that fails stays as it was, and the others go on.
"""

import base64
import io
import math
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image, ImageChops, ImageStat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
ENVIRONMENT = {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""}
WORDS_A_MINUTE = 180
CODE_LINES_A_MINUTE = 20
UNSEEN = 0.3  # the mean change of a pixel, of 255
COLLAPSED = {"hide-cell", "hide-input", "setup"}
WIDGET = "application/vnd.jupyter.widget-view+json"
TIME = re.compile(r"\*\*Time:\*\* about (\d+) minutes? of reading, (\d+) minutes? of running on two CPU cores")


def minutes(notebook: NotebookNode) -> tuple[int, int]:
    """How long a chapter takes: reading estimated from the length of what is not collapsed, running as measured."""
    shown = [cell for cell in notebook.cells if COLLAPSED.isdisjoint(cell.metadata.get("tags", []))]
    text = [cell.source for cell in shown if cell.cell_type == "markdown"]
    code = [cell.source for cell in shown if cell.cell_type == "code"]
    words = sum(len(source.split()) for source in text)
    lines = sum(len(source.splitlines()) for source in code)
    reading = words / WORDS_A_MINUTE + lines / CODE_LINES_A_MINUTE
    return math.ceil(reading), math.ceil(notebook.metadata.cnncourse.run_seconds / 60)


def execute(path: Path) -> NotebookNode:
    """The executed notebook, with the seconds that it took and without what would differ from machine to machine.

    Raises:
        CellExecutionError: a cell raised an error.
        DeadKernelError: the kernel died, for want of memory for example.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(WIDGET, None)  # without its kernel it is an error message; its text stays
            if "image/png" in data:
                data["image/png"] = base64.b64encode(slim(base64.b64decode(data["image/png"]))).decode()
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3"),
        language_info=NotebookNode(name="python"),
        cnncourse=NotebookNode(run_seconds=round(time.perf_counter() - start)),
    )
    reading, running = (f"{number} minute{'s' * (number > 1)}" for number in minutes(notebook))
    line = f"**Time:** about {reading} of reading, {running} of running on two CPU cores"
    notebook.cells[0].source = TIME.sub(line, notebook.cells[0].source)
    return notebook


def slim(png: bytes) -> bytes:
    """The same picture in 256 colours where nobody sees a difference, as in drawings of lines: a third of the bytes."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    fewer = picture.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    changed = ImageStat.Stat(ImageChops.difference(picture, fewer.convert("RGB"))).mean
    file = io.BytesIO()
    (fewer if max(changed) < UNSEEN else picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def main(paths: list[Path]) -> int:
    """Execute each notebook; the number of those that failed."""
    os.environ |= ENVIRONMENT
    os.environ.pop("CNNCOURSE_QUICK", None)
    failed = 0
    for path in paths:
        print(f"{path.name}: running", flush=True)
        try:
            notebook = execute(path)
        except (CellExecutionError, DeadKernelError) as error:
            failed += 1
            print(f"{path.name}: stopped with an error, and stays as it was.\n{error}", file=sys.stderr)
        else:
            nbformat.write(notebook, path)
            print(f"{path.name}: {notebook.metadata.cnncourse.run_seconds} seconds", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))))
