"""Who runs the seeds: processes side by side, or this one where no other could."""

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from cnncourse import settings
from cnncourse.train import default_device


class InThisProcess(Executor):
    """Run a job at once when it is submitted, as a process of its own would: with one thread.

    Torch's number of threads and its random state are afterwards what they were.
    """

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []):
                future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        finally:
            torch.set_num_threads(threads)
        return future


@contextmanager
def workers(recipe: object, jobs: int) -> Iterator[tuple[Executor, int]]:
    """Give an executor for the runs of a recipe, and how many of them it takes at a time.

    On a CPU that are processes of one thread each, one for each core. A single run, runs on a graphics card, and those
    of a recipe that other processes can't load are run in this process; in the last case a printed line says why.
    """
    number = min(os.cpu_count() or 1, jobs) if default_device().type == "cpu" else 1
    reason = _only_here(recipe) if number > 1 else ""
    if number > 1 and not reason:
        with (
            settings.without_progress_bars(),
            ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool,
        ):
            try:
                pool.submit(_load, pickle.dumps(recipe)).result()
            except Exception as error:
                reason = f"another process can't load the recipe ({error})"
            else:
                yield pool, number
                return
    if reason:
        print(f"The seeds run one after the other, in this process: {reason}.", flush=True)
    yield InThisProcess(), 1


def _only_here(recipe: object) -> str:
    """Why no other process could run a recipe; nothing where one may."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is not None and not _is_guarded(Path(script)):
        return 'others would begin by running this script; put its last part under `if __name__ == "__main__":`'
    try:
        content = pickle.dumps(recipe)
    except Exception as error:  # which one, depends on what can't be sent
        return f"the recipe can't be sent to another one ({error})"
    if script is None and b"__main__" in content:
        return "a part of the recipe is defined here, not in a module that others can import"
    return ""


def _is_guarded(script: Path) -> bool:
    """Whether a script, which every new process runs first, may tell that it is not the first process."""
    try:
        return "__main__" in script.read_text(encoding="utf8", errors="replace")
    except OSError:
        return False


def _load(content: bytes) -> None:
    """Load a recipe in another process, to see whether that can be done."""
    pickle.loads(content)
