"""Large blocks come from the memory that the process keeps, as glibc's own bookkeeping tells."""

import platform
import subprocess
import sys

import pytest

# `hblks` counts the blocks that malloc has fetched from the system singly, and will give back when they are freed.
CODE = """
import ctypes, torch
from cnncourse._memory import keep_memory
FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
if {keep}:
    assert keep_memory()
before = mallinfo2().hblks
feature_maps = torch.ones(20_000_000)  # 80 MB
print(mallinfo2().hblks - before)
"""


def single_blocks(keep: bool) -> int:
    done = subprocess.run([sys.executable, "-c", CODE.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so soon")
def test_large_blocks_are_kept():
    assert single_blocks(keep=False) == 1
    assert single_blocks(keep=True) == 0
