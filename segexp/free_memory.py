"""Memory that this process can still get, on a machine or within the limits of a job or container."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MACHINE = Path("/proc/meminfo")
GROUPS = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")


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
