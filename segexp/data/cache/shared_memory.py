"""Arrays in the memory that the processes of a node share; it is freed when the last process that uses it ends."""

import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from segexp.data.cache.arrays import Arrays, remove

SHARED_MEMORY = Path("/dev/shm")
LOCK_TIMEOUT_SECONDS = 10
"""How long to wait for another process that loads or frees the same arrays: ranks end at the same time."""


def folder() -> Path:
    """The folder of this user's arrays. Raises ValueError if the system has no shared memory."""
    if not SHARED_MEMORY.is_dir():
        raise ValueError("data.cache is 'memory', which needs /dev/shm, and this system has none; use data.cache=disk")
    return SHARED_MEMORY / f"segexp_{os.getuid()}"


def hold(arrays: Arrays) -> None:
    """Keep arrays in shared memory as long as this process or a fork of it uses them."""
    import fcntl

    arrays.in_memory = True  # dropped, its pages would come back ten times as slowly as a file's
    file = arrays.path.open("rb")
    fcntl.flock(file, fcntl.LOCK_SH)
    weakref.finalize(arrays, _release, file, arrays.path, os.getpid())


def free_unused(folder: Path) -> None:
    """Remove the arrays that killed processes left behind."""
    for path in folder.glob("*.bin"):
        with suppress(Timeout, FileNotFoundError), _lock(path, 0), path.open("rb") as file:
            _remove_unless_held(file, path)


def _release(file: BinaryIO, path: Path, owner: int) -> None:
    with file:
        if os.getpid() == owner:  # a forked worker shares the lock of its parent, the owner
            with suppress(Timeout), _lock(path, LOCK_TIMEOUT_SECONDS):
                _remove_unless_held(file, path)


def _lock(path: Path, timeout_seconds: float) -> FileLock:
    return FileLock(path.with_suffix(".lock"), timeout=timeout_seconds)


def _remove_unless_held(file: BinaryIO, path: Path) -> None:
    import fcntl

    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(path)
    fcntl.flock(file, fcntl.LOCK_UN)  # workers that are about to end would keep it
