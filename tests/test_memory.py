"""Large blocks come from the memory that the process keeps, as glibc's own bookkeeping tells."""

import ctypes
import platform
import subprocess
import sys
from collections.abc import Callable

import pytest

from cnncourse._memory import M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, _raise_thresholds, keep_memory

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


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so soon")
def test_large_blocks_are_kept():
    assert single_blocks(keep=False) == 1
    assert single_blocks(keep=True) == 0


def glibc(largest_mapped: int, calls: list) -> Callable[[int, int], int]:
    """Stands in for a glibc that refuses to map only blocks larger than this, as those before 2.35 do."""

    def mallopt(option: int, value: int) -> int:
        calls.append((option, value))
        return int(option != M_MMAP_THRESHOLD or value <= largest_mapped)

    return mallopt


@pytest.mark.parametrize(
    ("largest", "listened", "expected"),
    [
        (2**40, True, [(M_MMAP_THRESHOLD, 2**30), (M_TRIM_THRESHOLD, 2**30)]),
        (2**25, True, [(M_MMAP_THRESHOLD, 2**30), (M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**30)]),
        (0, False, [(M_MMAP_THRESHOLD, 2**30), (M_MMAP_THRESHOLD, 2**25)]),
    ],
    ids=["today", "before 2.35", "neither"],
)
def test_glibc_adjusts_itself_no_longer_only_where_it_keeps_more(largest, listened, expected):
    calls = []
    assert _raise_thresholds(glibc(largest, calls)) == listened
    assert calls == expected


def test_other_systems_are_left_alone(monkeypatch):
    for system in ("win32", "darwin"):
        monkeypatch.setattr(sys, "platform", system)
        assert keep_memory.__wrapped__() is False
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # musl
    assert keep_memory.__wrapped__() is False
