"""Whether a training works in a run folder."""

from pathlib import Path

from filelock import FileLock, Timeout


def is_locked(folder: Path) -> bool:
    """Whether a training works in the folder, whoever started it."""
    file = folder / ".lock"
    try:
        if file.is_file():
            with FileLock(file, timeout=0):
                pass
    except Timeout:
        return True
    except OSError:  # a folder of somebody else, which nothing can be said of
        return False
    return False
