"""Keeping freed memory at hand, where the C library would give it back after every training step."""

import ctypes
import functools
import sys
from collections.abc import Callable

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h


@functools.cache
def keep_memory() -> bool:
    """Tell glibc, Linux's C library, to keep what is freed for the next request. Return whether it listened.

    A training step asks for some megabytes for its feature maps and frees them again. By default, glibc hands such
    blocks back to the system, which then has to clear each page anew in the next step: for LeNet-5 in batches of 512,
    several thousand pages a step. The process keeps the memory of its largest step instead. Blocks above 1 GB,
    or 32 MB before glibc 2.35, still go back. On other systems nothing changes.

    Source: mallopt(3), the manual page of glibc's allocator.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl, another C library, has none
    return mallopt is not None and _raise_thresholds(mallopt)


def _raise_thresholds(mallopt: Callable[[int, int], int]) -> bool:
    # Setting either ends glibc's own adjustment of both, so the trim threshold waits for the other to be accepted:
    # before version 2.35, glibc refuses more than 2**25.
    listened = mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)
    return bool(listened and mallopt(M_TRIM_THRESHOLD, 2**30))
