"""Write a whole file or nothing."""

import errno
import functools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFIT = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ}


class UnfitNameError(OSError):
    """No file can have this name in its place: it is too long, holds what may not stand there, or is a folder's."""


def write_whole(path: Path, content: bytes | str, durable: bool = False) -> Path:
    """To a temporary name beside it, then renamed. Raises OSError naming the file and the cure.

    durable: renamed once the disk has it, which takes milliseconds: a power cut, too, leaves a whole file.
    """
    with part_of(path) as part, told(path), part.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return path


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """An empty file beside path for the body to write, renamed when that has ended and removed if it raises.

    Its name says which process writes, see `remove_left`. A lock would keep the body from writing on CIFS, where it is
    mandatory (Linux 5.5 on), and would not be seen by other nodes of some file systems.
    Raises OSError naming the file and the cure, UnfitNameError if no space and no other folder is one.
    """
    part = path.with_name(f".{_here()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.touch(exist_ok=False)
            with suppress(FileNotFoundError):
                path.lstat()  # a name that is too long is found now, not when all is written
        yield part
        with told(path):
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """An OSError of the body, as one that names the file and the cure."""
    try:
        yield
    except OSError as error:
        kind, cure = OSError, "free some space or choose another folder"
        if error.errno in UNFIT:
            kind, cure = UnfitNameError, "choose another name"
        raise kind(f"could not write {path}: {error.strerror or error}; {cure}") from error


def remove_left(folder: Path) -> None:
    """Remove what killed processes left in a folder of files that were not whole yet, and nothing of a living one.

    Those of another machine or container, or from before the machine was started, stay: nobody here knows their end.
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
    """Stands for where the ids of processes are those of this one: a machine since its start, or a container there."""
    try:
        known = Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not on Linux, where there are no containers either
        known = str(uuid.getnode())
    return uuid.uuid5(uuid.NAMESPACE_OID, known).hex[:12]
