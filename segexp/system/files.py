"""Write a file whole or not at all."""

import errno
import functools
import itertools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFIT = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ}


def is_hidden(file: Path) -> bool:
    """Whether no reader takes a file for one of the user's: it is hidden (macOS writes ._x.png), or in a __MACOSX."""
    return file.name.startswith(".") or "__MACOSX" in file.parts


def hidden_files(number: int) -> str:
    """How a line calls the files that were left out."""
    return f"{number} hidden file{'s' * (number > 1)}, as macOS makes them (._x.png, __MACOSX)"


def from_here(path: Path) -> Path:
    """The shortest path to type for an absolute one: that from the current folder where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def make_new_folder(path: Path) -> Path:
    """Make a folder that was not there, and its parents: of this name, or of this name with _2, _3, ... behind it.

    Raises OSError naming the folder and the cure.
    """
    with write_errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = path if number == 1 else path.with_name(f"{path.name}_{number}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise AssertionError("itertools.count has no end")


class InvalidNameError(OSError):
    """No file can have this name here: it is too long, has characters that are not allowed, or is a folder's."""


def write_atomic(path: Path, content: bytes | str, durable: bool = False) -> Path:
    """Write to a temporary name beside the path, then rename. Raises OSError naming the file and the cure.

    durable: wait some milliseconds until the disk has the content, so that even a power cut leaves a whole file.
    """
    with partial_file(path) as part, write_errors_explained(path), part.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return path


@contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """Yield an empty file for the body to write. It is then renamed to the path, or removed if the body raises.

    Its name says which process writes, see `remove_abandoned_parts`. It is not locked: on CIFS locks are mandatory
    (Linux 5.5 on), so the body could not write, and on some file systems other nodes do not see them.
    Raises OSError naming the file and the cure, InvalidNameError if neither space nor another folder is a cure.
    """
    part = path.with_name(f".{_here()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        with write_errors_explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.touch(exist_ok=False)
            with suppress(FileNotFoundError):
                path.lstat()  # a name that is too long is found now, not when all is written
        yield part
        with write_errors_explained(path):
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Turn an OSError of the body into one that names the file and the cure."""
    try:
        yield
    except OSError as error:
        kind, cure = OSError, "free some space or choose another folder"
        if error.errno in UNFIT:
            kind, cure = InvalidNameError, "choose another name"
        raise kind(f"could not write {path}: {error.strerror or error}; {cure}") from error


def remove_abandoned_parts(folder: Path) -> None:
    """Remove partial files that killed processes left in a folder, and none of a living process.

    Files of another machine or container, or from before the last start of this machine, stay, since nobody here knows
    whether their process has ended.
    """
    with suppress(OSError):  # nothing was left where no folder can be
        for part in folder.glob(f".{_here()}-*-*.part"):
            with suppress(OSError):
                _remove_of_ended(part, int(part.name.split("-")[1]))


def _remove_of_ended(part: Path, process: int) -> None:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        part.unlink()


@functools.cache
def _here() -> str:
    """An id of the place where process ids mean the same: this machine since its start, or this container."""
    try:
        place = Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not on Linux, where there are no containers either
        place = str(uuid.getnode())
    return uuid.uuid5(uuid.NAMESPACE_OID, place).hex[:12]
