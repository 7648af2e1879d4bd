"""Folders on object storage, by URL (s3://, az://, ...): listed where they are, files copied here when first read."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from segexp.system.files import write_whole

CURE = "check the address and your credentials; pip install 'segexp[cloud]' brings what reads s3:// and az://"


def is_url(place: str | Path) -> bool:
    return "://" in str(place)


def cache_folder() -> Path:
    """Where copies are kept: below SEGEXP_CACHE, or ~/.cache/segexp."""
    return Path(os.environ.get("SEGEXP_CACHE", "~/.cache/segexp")).expanduser() / "remote"


def path(place: str) -> Path:
    """A local path, or one of the same methods for what fsspec reads (https://filesystem-spec.readthedocs.io).

    Raises OSError for a URL that nothing installed here can read.
    """
    if not is_url(place):
        return Path(place).expanduser()
    with _told(place):
        from upath import UPath

        return cast(Path, UPath(place))


def opened(file: Path) -> BinaryIO:
    """For reading. A remote file is copied whole, or not at all, by whoever reads it first; a changed one anew."""
    return local(file).open("rb")


def local(file: Path) -> Path:
    """The file itself, or its copy here. Raises OSError where it cannot be read or, with another cure, be kept."""
    if isinstance(file, Path):
        return file
    key = hashlib.sha256(f"{file} {state(file)}".encode()).hexdigest()[:32]
    copy = cache_folder() / key[:2] / f"{key}_{file.name}"
    if copy.is_file():
        return copy
    with _told(file):
        content = _system(file).cat_file(file.path)
    try:
        return write_whole(copy, content)
    except OSError as error:
        raise OSError(f"{error}, by SEGEXP_CACHE") from error


def state(file: Path) -> str:
    """Changes with the content of a remote file; the same whether the storage was asked for a listing or for it."""
    with _told(file):
        system, place = _system(file), cast(Any, file).path
        told = system.info(place)
        return str(told.get("ETag") or told.get("etag") or system.ukey(place)).strip('"')


def copied(place: str, patterns: tuple[str, ...]) -> Path:
    """A folder here with the files of a remote one that match the patterns, as they are there now."""
    source = path(place.rstrip("/"))
    folder = cache_folder() / f"{hashlib.sha256(place.rstrip('/').encode()).hexdigest()[:32]}_{source.name}"
    with _told(place):
        wanted = {str(file.relative_to(source)): file for pattern in patterns for file in source.glob(pattern)}
    for name, file in wanted.items():
        _place(local(file), folder / name)
    for copy in [found for pattern in patterns for found in folder.glob(pattern)]:
        if str(copy.relative_to(folder)) not in wanted:
            copy.unlink(missing_ok=True)
    if not wanted:
        raise FileNotFoundError(f"nothing at {place}: no {', '.join(patterns)}; {CURE}")
    return folder


def _place(copy: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.hardlink_to(copy)
    aside.replace(target)


def _system(file: Any) -> Any:
    """This process's connection: one that was made before a fork would wait for ever."""
    import fsspec

    return fsspec.filesystem(file.protocol, **file.storage_options)


@contextmanager
def _told(place: object) -> Iterator[None]:
    """Whatever a storage library raises, as one OSError that names the place and the cure."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"nothing at {place} ({error}); {CURE}") from error
    except Exception as error:
        raise OSError(f"cannot read {place} ({type(error).__name__}: {error}); {CURE}") from error
