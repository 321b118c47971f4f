"""Freed memory stays at hand: the system counts how many pages a process has to be given."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource, torch
from cnncourse.memory import keep_memory
if {keep}:
    assert keep_memory()
def step():
    torch.ones(20_000_000)  # 80 MB, more than glibc ever keeps of its own accord
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def new_pages(keep: bool) -> int:
    done = subprocess.run([sys.executable, "-c", STEPS.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so soon")
def test_steps_use_the_same_memory_again():
    assert 10 * new_pages(keep=True) < new_pages(keep=False)
