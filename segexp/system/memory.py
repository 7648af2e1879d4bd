"""The memory of this process: how much is free, what happens to freed memory, and which errors mean there is none."""

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
"""Options of mallopt (man 3 mallopt): from how many bytes on freed memory is returned to the system at once."""
MOST = 2**31 - 1
LARGEST_BLOCK = 32 * 2**20
"""The highest MMAP_THRESHOLD of glibc itself. Larger blocks are rarely used again as they are."""

WORDS = ("out of memory", "allocate memory", "bad_alloc")
"""How torch on GPUs, torch on CPUs, and libraries in C++ such as ONNX Runtime say that memory ran out."""


class Names(NamedTuple):
    """Names of a control group: files of its limit and its use, and statistics of cached files it can drop."""

    most: str
    used: str
    cached: tuple[str, str]


FIRST = Names("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
SECOND = Names("memory.max", "memory.current", ("inactive_file", "active_file"))
"""Versions 1 and 2 of control groups (Linux, admin-guide/cgroup-v1/memory and cgroup-v2)."""


def free_bytes() -> int:
    """Bytes that this process can still get without swapping, within the limits of its job or container.

    Raises OSError on a system that does not say.
    """
    return max(0, min([1024 * _numbers(MACHINE)["MemAvailable"], *_free_in_groups()]))


def _free_in_groups() -> Iterator[int]:
    """Free bytes of every control group that this process is in and that has a limit."""
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
    """The numbers in a file that has a name and a number on each line."""
    rows = (line.replace(":", " ", 1).split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next allocation, in the whole process.

    Training steps and predictions on a CPU free and allocate the same large blocks again and again, and the system
    would clear every page of them each time. Does nothing where the C library has no such setting (musl, macOS).
    """
    set_option = _function("mallopt")
    if set_option:
        set_option(MMAP_THRESHOLD, LARGEST_BLOCK)
        set_option(TRIM_THRESHOLD, MOST)


def return_freed_memory() -> None:
    """Return freed memory to the system. Raises OSError where the C library cannot."""
    trim = _function("malloc_trim")
    if trim is None:
        raise OSError("no malloc_trim on this system")
    trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out; most libraries say so in the text of the error alone."""
    if isinstance(error, OSError | ValueError):
        return getattr(error, "errno", None) == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in WORDS)
