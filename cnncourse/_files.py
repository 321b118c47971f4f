"""Writing a file whole or not at all, and by one process at a time."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: str | Path, content: bytes | str) -> Path:
    """Write a file, and make its folder, so that no reader ever sees half of it.

    The content goes to a file of its own beside it first, then takes the place of the one from before: a run that is
    stopped while it writes, or a full disk, leaves that one as it was.

    Args:
        path: of the file.
        content: bytes, or text, which becomes UTF-8.

    Raises:
        ValueError: the path is not the name of a file.
        OSError: the file can't be written; says why, and what to do.
    """
    path = Path(path)
    if not path.name:
        raise ValueError(f'"{path}" is not the name of a file; give one, for example network.json')
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own, so that two that write the same file do not write into each other's part.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False) as file:
            part = Path(file.name)
            file.write(content.encode() if isinstance(content, str) else content)
        part.chmod(0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        raise OSError(
            f"{path} can't be written: {error.strerror or error}. Make room there or choose another folder."
        ) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()  # what is left of it where something went wrong
    return path


@contextlib.contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Wait until no other process has locked this file, make it if need be, and lock it.

    The system takes the lock away from a process that ends, however it ends, so none is ever left behind.

    Raises:
        OSError: the file can't be made, or its disk knows no locks.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            while True:
                with contextlib.suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
            yield


def _umask() -> int:
    """The permissions that this process takes away from new files, which a temporary file does not follow."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
