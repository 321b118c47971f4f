import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python(code: str, *folders: Path) -> subprocess.CompletedProcess:
    """Run `code` in a Python of its own, where nothing is imported yet; warnings are errors."""
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_data_sets_and_transforms_work_however_torchvision_was_built():
    done = python(
        "import cnncourse.data.torchvision\n"
        "import torch, torchvision\n"
        "from torchvision import datasets, transforms\n"
        "from torchvision.transforms import v2\n"
        "image = torch.rand(1, 28, 28)\n"
        "steps = transforms.Compose([transforms.Resize(32), transforms.Normalize(0.5, 0.5)])\n"
        "assert steps(image).shape == v2.Resize(32)(image).shape == (1, 32, 32)\n"
        "assert datasets.FakeData(1)[0][0].size == (224, 224)\n"
        "assert cnncourse.data.torchvision.transforms is transforms\n"
    )
    assert done.returncode == 0, done.stderr


def test_torchvision_and_matplotlib_are_imported_only_when_used():
    done = python(
        "import sys, cnncourse, cnncourse.data, cnncourse.data._sources, cnncourse.train\n"
        "print([name for name in ('torchvision', 'matplotlib') if name in sys.modules])\n"
    )
    assert done.stdout == "[]\n", done.stderr


def fake_torchvision(folder: Path, content: str) -> Path:
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text("from torchvision import inner\n")
    (folder / "torchvision" / "inner.py").write_text(content)
    (folder / "torchvision" / "datasets.py").touch()
    (folder / "torchvision" / "transforms").mkdir()
    (folder / "torchvision" / "transforms" / "__init__.py").touch()
    (folder / "torchvision" / "transforms" / "v2.py").touch()
    return folder


@pytest.mark.slow
def test_missing_operators_are_declared_and_stay(tmp_path):
    folder = fake_torchvision(
        tmp_path,  # as torchvision does it, where its own library could not be loaded
        "import torch\n"
        "for name in ('nms', 'qnms'):\n"
        "    torch.library.register_fake(f'torchvision::{name}')(lambda dets, scores, iou_threshold: dets)\n",
    )
    done = python(
        "import gc, torch\n"
        "from cnncourse.data import torchvision\n"
        "gc.collect()\n"
        "print(torchvision.datasets.__file__)\n"
        "print(torch.ops.torchvision.nms.default._schema)\n"
        "print(torch.ops.torchvision.qnms.default._schema)\n",
        folder,
    )
    file, *schemas = done.stdout.splitlines()
    assert Path(file).parent.parent == folder, done.stderr
    arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    assert schemas == [f"torchvision::nms{arguments}", f"torchvision::qnms{arguments}"]


def test_nothing_is_declared_where_torchvision_works(tmp_path):
    done = python(
        "import torch, cnncourse.data.torchvision\nprint(hasattr(torch.ops.torchvision, 'nms'))",
        fake_torchvision(tmp_path, ""),
    )
    assert done.stdout == "False\n", done.stderr


@pytest.mark.slow
def test_another_error_of_torchvision_is_shown(tmp_path):
    done = python(
        "import cnncourse.data.torchvision", fake_torchvision(tmp_path, "raise RuntimeError('other CUDA version')")
    )
    assert "RuntimeError: other CUDA version" in done.stderr
