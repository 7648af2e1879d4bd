"""The folder of an export: every file whole, and nothing left of an export that failed."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from segexp.system.lock import exclusive_folder


def refuse_existing(folder: Path, names: Sequence[str], overwrite: bool) -> None:
    """Raise FileExistsError if a file of these names exists and may not be replaced."""
    existing = [name for name in names if (folder / name).exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{folder} already has an export ({', '.join(existing)}); add overwrite=true to replace it, or choose "
            "another output="
        )


@contextmanager
def stage_export(folder: Path, names: Sequence[str], overwrite: bool) -> Iterator[Path]:
    """Yield a folder within this one to write into; when the body ends well, its files of these names replace ours.

    names: of all files that an export may hold, in the order in which they appear; the last one says it is complete.
    Raises FileExistsError where `refuse_existing` does or another process writes, OSError where nobody can.
    """
    refuse_existing(folder, names, overwrite)
    partial = folder / ".partial"
    try:
        with exclusive_folder(
            partial,
            "being written by another export; wait or choose another output=",
            "make it writable, or choose another output=",
        ):
            _clear(partial)  # of what an export left that was killed
            try:
                yield partial
                _publish(partial, folder, names)
            finally:
                _clear(partial)
    finally:
        with suppress(OSError):
            folder.rmdir()  # if nothing came of it


def _clear(partial: Path) -> None:
    for entry in partial.iterdir():
        if entry.is_dir():  # of quantising
            shutil.rmtree(entry)
        elif entry.name != ".lock":
            entry.unlink()


def _publish(partial: Path, folder: Path, names: Sequence[str]) -> None:
    for name in reversed(names):
        (folder / name).unlink(missing_ok=True)
    for name in names:
        if (partial / name).exists():
            (partial / name).replace(folder / name)
