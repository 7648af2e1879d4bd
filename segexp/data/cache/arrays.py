"""Arrays of many scenes in one memory-mapped file, beside an index that shows whether the file is complete."""

import json
import mmap
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from rich.progress import track

from segexp.system.files import write_atomic
from segexp.types import Bytes

NUM_CHECKED = 8
"""Scenes, spread evenly, whose checksums are compared when arrays are loaded: reading all would take minutes."""
NUM_BANDS = 16
"""Bands of rows in each scene; whether a band was read before is remembered."""
LARGE_PAGE = 2 * 2**20
LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
"""File in which Linux gives the size of large pages. Those of 4 KB take longer to map than a crop to copy."""
ALL = slice(None)


class Arrays:
    """uint8 arrays [..., H, W] of any sizes, one after the other in one file; see `load` and `write`.

    in_memory: whether the file lies in shared memory. A file on disk is kept in the system's cache, for all processes,
        and its pages are dropped from this process after each reading; otherwise a worker's resident memory would grow
        to the size of the file.
    """

    def __init__(self, path: Path, shapes: Sequence[Sequence[int]], in_memory: bool = False) -> None:
        self.path = path
        self.shapes = [tuple(shape) for shape in shapes]
        self.offsets = _offsets(shapes)
        self.in_memory = in_memory
        with path.open("rb") as file:
            self.pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.in_large_pages = not in_memory and _has_large_pages()
        if self.in_large_pages:
            self.pages.madvise(mmap.MADV_HUGEPAGE)
            self.pages.madvise(mmap.MADV_RANDOM)  # no pages are read ahead
        shared = mmap.mmap(-1, len(shapes) * NUM_BANDS)  # also with workers forked from this process
        self.is_fetched = np.frombuffer(shared, np.bool_).reshape(len(shapes), NUM_BANDS)

    def __len__(self) -> int:
        return len(self.shapes)

    def __reduce__(self) -> tuple[Any, ...]:  # for workers that are spawned
        return Arrays, (self.path, self.shapes, self.in_memory)

    def read(self, index: int, rows: slice = ALL, columns: slice = ALL) -> Bytes:
        """Copy a rectangle of the last two axes."""
        stored = np.ndarray(self.shapes[index], np.uint8, self.pages, self.offsets[index])
        if self.in_memory or not hasattr(self.pages, "madvise"):
            return stored[..., rows, columns].copy()
        self._fetch(index, rows)
        rectangle = stored[..., rows, columns].copy()
        self._advise(mmap.MADV_DONTNEED, self.offsets[index], self.offsets[index + 1])
        return rectangle

    def _fetch(self, index: int, rows: slice) -> None:
        """Fetch rows from the disk when they are first read: with the large pages that they lie in, or alone."""
        *planes, height, width = self.shapes[index]
        top, bottom, _ = rows.indices(height)
        bands = slice(top * NUM_BANDS // height, -(-bottom * NUM_BANDS // height))
        if not self.is_fetched[index, bands].all():
            for plane in range(prod(planes)):
                start = self.offsets[index] + plane * height * width
                first, end = start + top * width, start + bottom * width
                if self.in_large_pages:
                    for page in range(first // LARGE_PAGE, -(-end // LARGE_PAGE)):
                        self.pages[max(first, page * LARGE_PAGE)]
                self._advise(mmap.MADV_WILLNEED, first, end)
            self.is_fetched[index, bands] = True

    def _advise(self, advice: int, start: int, end: int) -> None:
        page = start // mmap.PAGESIZE * mmap.PAGESIZE
        self.pages.madvise(advice, page, end - page)


def load(path: Path, fingerprint: str) -> Arrays | None:
    """Load arrays that were made from sources of this fingerprint; None if they are missing, incomplete or changed.

    The size and time of the file and the checksums of a few scenes are compared with the index.
    """
    try:
        index = json.loads(_index(path).read_text())
        facts = path.stat()
        is_unchanged = (index["fingerprint"], index["num_bytes"], index["modified_ns"]) == (
            fingerprint,
            facts.st_size,
            facts.st_mtime_ns,
        )
        arrays = Arrays(path, index["shapes"]) if is_unchanged else None
        checked = np.linspace(0, len(index["shapes"]) - 1, NUM_CHECKED).astype(int).tolist()
        if arrays and all(zlib.crc32(arrays.read(number).data) == index["crc32"][number] for number in checked):
            return arrays
    except (OSError, ValueError, LookupError, TypeError):  # no index, or only a part of one
        pass
    return None


def write(
    path: Path, fingerprint: str, shapes: Sequence[Sequence[int]], make: Callable[[int], Bytes], title: str
) -> None:
    """Make the array of each scene by threads, with a progress bar; the file gets its name only when it is complete.

    The caller must hold the FileLock of the same name with the ending .lock.
    Raises OSError if there is no room, before anything is made, and whatever `make` raises.
    """
    partial = path.with_suffix(".partial")
    offsets = _offsets(shapes)
    try:
        with partial.open("wb") as file:
            _reserve(file.fileno(), offsets[-1])

            def store(number: int) -> int:
                array = np.ascontiguousarray(make(number))
                assert array.shape == tuple(shapes[number])
                _write_at(file.fileno(), array.data.cast("B"), offsets[number])
                return zlib.crc32(array.data)

            checksums = _run_in_threads(store, len(shapes), title)
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    facts = {"num_bytes": offsets[-1], "modified_ns": path.stat().st_mtime_ns, "crc32": checksums}
    write_atomic(_index(path), json.dumps({"fingerprint": fingerprint, "shapes": shapes, **facts}))


def _run_in_threads(store: Callable[[int], int], count: int, title: str) -> list[int]:
    with ThreadPoolExecutor() as pool:
        try:
            return list(track(pool.map(store, range(count)), title, total=count, transient=True))
        except BaseException:  # Ctrl-C too
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def remove_partial(folder: Path) -> None:
    """Remove the unfinished files of processes that were killed."""
    for partial in folder.glob("*.partial"):
        with suppress(Timeout), FileLock(partial.with_suffix(".lock"), timeout=0):
            partial.unlink(missing_ok=True)


def num_bytes(shapes: Sequence[Sequence[int]]) -> int:
    return _offsets(shapes)[-1]


def remove(path: Path) -> None:
    """Remove arrays and their index; processes that have them open can still read them."""
    for file in (path, _index(path)):
        file.unlink(missing_ok=True)


def _has_large_pages() -> bool:
    try:
        return int(LARGE_PAGES.read_text()) == LARGE_PAGE
    except (OSError, ValueError):
        return False


def _index(path: Path) -> Path:
    return path.with_suffix(".json")


def _offsets(shapes: Sequence[Sequence[int]]) -> list[int]:
    return list(accumulate(map(prod, shapes), initial=0))


def _reserve(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def _write_at(file: int, content: memoryview, offset: int) -> None:
    while content:
        num_written = os.pwrite(file, content, offset)
        content, offset = content[num_written:], offset + num_written
