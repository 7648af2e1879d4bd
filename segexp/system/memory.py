"""Memory of this process: what it can still get, what it keeps of what it freed, and errors that say none is left."""

import ctypes
import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

MACHINE = Path("/proc/meminfo")
GROUPS = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of mallopt (man 3 mallopt): freed bytes at the end of the heap, and size of a block, that are given back at once."""
MOST = 2**31 - 1
LARGEST_BLOCK = 32 * 2**20
"""What glibc itself raises MMAP_THRESHOLD to. Larger blocks, if kept, often fit no other one of their size."""

WORDS = ("out of memory", "allocate memory", "bad_alloc")
"""Of torch on GPUs and on CPUs, and of libraries in C++, such as ONNX Runtime."""


class Names(NamedTuple):
    """Of the files of a control group, and of what its statistics call files that are given back at need."""

    most: str
    used: str
    cached: tuple[str, str]


FIRST = Names("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
SECOND = Names("memory.max", "memory.current", ("inactive_file", "active_file"))
"""Of the two versions of control groups (Linux, admin-guide/cgroup-v1/memory and cgroup-v2)."""


def free_bytes() -> int:
    """What can be had without swapping. Raises OSError where the system does not tell."""
    return max(0, min([1024 * _numbers(MACHINE)["MemAvailable"], *_free_in_groups()]))


def _free_in_groups() -> Iterator[int]:
    """Of every control group that this process is in and that has a limit."""
    for line in GROUPS.read_text().splitlines() if GROUPS.is_file() else ():
        _, controllers, place = line.split(":", 2)
        if not controllers:
            yield from _free_in(MOUNTED, place, SECOND)
        elif "memory" in controllers.split(","):
            yield from _free_in(MOUNTED / "memory", place, FIRST)


def _free_in(mounted: Path, place: str, names: Names) -> Iterator[int]:
    folder = mounted / place.lstrip("/")
    for group in (folder, *folder.parents):
        with suppress(OSError, ValueError):  # no such file, or "max": no limit
            most, used = (int((group / name).read_text()) for name in (names.most, names.used))
            statistics = _numbers(group / "memory.stat")
            yield most - used + sum(statistics.get(name, 0) for name in names.cached)
        if group == mounted:
            return


def _numbers(path: Path) -> dict[str, int]:
    """Of a file with a name and a number a line."""
    rows = (line.replace(":", " ", 1).split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}


def keep_freed_memory() -> None:
    """For work that frees and allocates the same large blocks again and again: training steps and predictions on a CPU.

    The system clears every page that it hands out, thousands in each of them. A setting of the whole process; does
    nothing where the C library has none (musl, macOS).
    """
    set_option = _function("mallopt")
    if set_option:
        set_option(MMAP_THRESHOLD, LARGEST_BLOCK)
        set_option(TRIM_THRESHOLD, MOST)


def return_freed_memory() -> None:
    """Give freed memory back to the system. Raises OSError where the C library cannot."""
    trim = _function("malloc_trim")
    if trim is None:
        raise OSError("no malloc_trim on this system")
    trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)


def is_out_of_memory(error: Exception) -> bool:
    """Most such errors are told from others by their text alone, but where that names files."""
    if isinstance(error, OSError | ValueError):
        return getattr(error, "errno", None) == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in WORDS)
