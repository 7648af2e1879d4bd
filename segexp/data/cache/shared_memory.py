"""Arrays in the memory that processes of a node share: freed when the last of them ends."""

import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from segexp.data.cache.arrays import Arrays, remove

SHARED = Path("/dev/shm")
PATIENCE_SECONDS = 10
"""How long to wait for another process that opens or frees the same arrays: ranks end together."""


def folder() -> Path:
    """This user's. Raises ValueError where the system has no such memory."""
    if not SHARED.is_dir():
        raise ValueError("data.cache is 'memory', which needs /dev/shm, and this system has none; use data.cache=disk")
    return SHARED / f"segexp_{os.getuid()}"


def hold(arrays: Arrays) -> None:
    """Keep arrays that are there as long as this process or a copy of it uses them."""
    import fcntl

    arrays.in_memory = True  # where dropped pages would come back ten times as slowly as those of a file
    file = arrays.path.open("rb")
    fcntl.flock(file, fcntl.LOCK_SH)
    weakref.finalize(arrays, _let_go, file, arrays.path, os.getpid())


def free_unused(place: Path) -> None:
    """Remove what processes that were killed left behind."""
    for path in place.glob("*.bin"):
        with suppress(Timeout, FileNotFoundError), _lock(path, 0), path.open("rb") as file:
            _remove_unheld(file, path)


def _let_go(file: BinaryIO, path: Path, owner: int) -> None:
    with file:
        if os.getpid() == owner:  # not in a worker, whose copy of the lock is the owner's own
            with suppress(Timeout), _lock(path, PATIENCE_SECONDS):
                _remove_unheld(file, path)


def _lock(path: Path, wait_seconds: float) -> FileLock:
    return FileLock(path.with_suffix(".lock"), timeout=wait_seconds)


def _remove_unheld(file: BinaryIO, path: Path) -> None:
    import fcntl

    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(path)
    fcntl.flock(file, fcntl.LOCK_UN)  # which workers that are about to end would keep
