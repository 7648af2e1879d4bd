"""What becomes of memory that this process has freed: the C library keeps it for what comes next, or gives it back."""

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of mallopt (man 3 mallopt): freed bytes at the end of the heap, and size of a block, that are given back at once."""
MOST = 2**31 - 1
LARGEST_BLOCK = 32 * 2**20
"""What glibc itself raises MMAP_THRESHOLD to. Larger blocks, if kept, often fit no other one of their size."""


def keep() -> None:
    """For work that frees and allocates the same large blocks again and again: training steps and predictions on a CPU.

    The system clears every page that it hands out, thousands in each of them. A setting of the whole process; does
    nothing where the C library has none (musl, macOS).
    """
    set_option = _function("mallopt")
    if set_option:
        set_option(MMAP_THRESHOLD, LARGEST_BLOCK)
        set_option(TRIM_THRESHOLD, MOST)


def give_back() -> None:
    """Raises OSError where the C library cannot."""
    trim = _function("malloc_trim")
    if trim is None:
        raise OSError("no malloc_trim on this system")
    trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)
