"""Folders on object storage, by URL (s3://, az://, ...). A file is copied to this machine when it is first read."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from segexp.system.files import remove_abandoned_parts, write_atomic

CURE = "check the address and your credentials; pip install 'segexp[cloud]' brings what reads s3:// and az://"


def is_url(place: str | Path) -> bool:
    return "://" in str(place)


def cache_folder() -> Path:
    """The folder of the copies: below SEGEXP_CACHE, or ~/.cache/segexp."""
    return Path(os.environ.get("SEGEXP_CACHE", "~/.cache/segexp")).expanduser() / "remote"


def path(place: str) -> Path:
    """The local path, or for a URL an object of the same methods (https://filesystem-spec.readthedocs.io).

    Raises OSError for a URL that no installed library can read.
    """
    if not is_url(place):
        return Path(place).expanduser()
    with _errors_explained(place):
        from upath import UPath

        return cast(Path, UPath(place))


def open_file(file: Path) -> BinaryIO:
    """Open a file for reading; a remote one as its local copy, see `local_copy`."""
    return local_copy(file).open("rb")


def local_copy(file: Path) -> Path:
    """The file itself if it is local, else its copy, made when it is first read and again when it has changed.

    Raises OSError if the file cannot be read, or its copy cannot be kept.
    """
    if isinstance(file, Path):
        return file
    key = hashlib.sha256(f"{file} {version_of(file)}".encode()).hexdigest()[:32]
    copy = cache_folder() / key[:2] / f"{key}_{file.name}"
    if copy.is_file():
        return copy
    with _errors_explained(file):
        content = _system(file).cat_file(file.path)
    remove_abandoned_parts(copy.parent)
    try:
        return write_atomic(copy, content)
    except OSError as error:
        raise OSError(f"{error}, by SEGEXP_CACHE") from error


def version_of(file: Path) -> str:
    """A text that changes with the content of a remote file, whether its folder was listed or the file asked for."""
    with _errors_explained(file):
        system, place = _system(file), cast(Any, file).path
        info = system.info(place)
        return str(info.get("ETag") or info.get("etag") or system.ukey(place)).strip('"')


def copy_folder(place: str, patterns: tuple[str, ...]) -> Path:
    """A local folder with the present files of a remote folder that match the patterns."""
    source = path(place.rstrip("/"))
    folder = cache_folder() / f"{hashlib.sha256(place.rstrip('/').encode()).hexdigest()[:32]}_{source.name}"
    with _errors_explained(place):
        current = {str(file.relative_to(source)): file for pattern in patterns for file in source.glob(pattern)}
    for name, file in current.items():
        _place(local_copy(file), folder / name)
    for copy in [copy for pattern in patterns for copy in folder.glob(pattern)]:
        if str(copy.relative_to(folder)) not in current:
            copy.unlink(missing_ok=True)
    if not current:
        raise FileNotFoundError(f"nothing at {place}: no {', '.join(patterns)}; {CURE}")
    return folder


def _place(copy: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.hardlink_to(copy)
    aside.replace(target)


def _system(file: Any) -> Any:
    """The connection of this process. One that was made before a fork would wait for ever."""
    import fsspec

    return fsspec.filesystem(file.protocol, **file.storage_options)


@contextmanager
def _errors_explained(place: object) -> Iterator[None]:
    """Turn whatever a storage library raises into one OSError that names the place and the cure."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"nothing at {place} ({error}); {CURE}") from error
    except Exception as error:
        raise OSError(f"cannot read {place} ({type(error).__name__}: {error}); {CURE}") from error
