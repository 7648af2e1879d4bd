"""Folders in which one process works at a time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def exclusive_folder(folder: Path, taken: str, unwritable: str) -> Iterator[None]:
    """Make the folder, and keep other processes out of it while the body runs. An empty folder is removed afterwards.

    taken, unwritable: the ends of the two error messages, each with its cure. The lock ends with the process.
    Raises FileExistsError if another process works in the folder, OSError if it cannot be written to.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        _acquire(lock, folder)
    except Timeout:
        raise FileExistsError(f"{folder} is {taken}") from None
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror or error}; {unwritable}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            if [path.name for path in folder.iterdir()] == [".lock"]:
                shutil.rmtree(folder)
        lock.release()


def _acquire(lock: FileLock, folder: Path, tries: int = 10) -> None:
    """Try again if another process, as it ends, removes the folder between the two steps."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except FileNotFoundError:
        if tries == 1:
            raise
        _acquire(lock, folder, tries - 1)
