"""The cache entries of a split: where its arrays lie, what identifies them, and how they are made."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch

from segexp.data.cache.source_version import source_version
from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_image, read_size, read_target
from segexp.data.samples import resize, resize_target
from segexp.system import remote
from segexp.types import Bytes, Size

VERSION = 2
"""Version of the arrays' content; raising it lets all caches be made again."""


class CacheEntry(NamedTuple):
    """One file of arrays, and how it is made.

    shapes: computes the shape of every scene's array. It reads the first bytes of every image, so it is called only to
        make the file.
    make: computes the array of the scene with this number.
    title: heading of the progress bar.
    """

    path: Path
    fingerprint: str
    shapes: Callable[[], list[list[int]]]
    make: Callable[[int], Bytes]
    title: str


def cache_entries(
    source: Source,
    pairs: Sequence[Pair],
    lookup: Bytes,
    root: Path,
    size: Size | None,
    target_size: Size | None,
    bit_depth: int | None,
) -> list[CacheEntry]:
    """Describe the entry of the images, which all groupings share, and that of the targets of one grouping.

    Targets are cached in train ids, as looking up the labels of a crop would take longer than copying them.
    """
    version, sizes = _files_version(pairs), functools.cache(lambda: _sizes(pairs))

    def image(number: int) -> Bytes:
        native = read_image(pairs[number].image, bit_depth).transpose(2, 0, 1)  # h w rgb -> rgb h w
        return resize(torch.from_numpy(native).contiguous(), size).numpy() if size else native

    def target(number: int) -> Bytes:
        native = read_target(source, pairs[number], lookup, sizes()[number])
        return resize_target(torch.from_numpy(native), target_size).numpy() if target_size else native

    def entry(kind: str, facts: str, shapes: Callable[[], list[list[int]]], make: Callable[[int], Bytes]) -> CacheEntry:
        fingerprint = hashlib.sha256(f"{VERSION} {kind} {facts} {version}".encode()).hexdigest()[:32]
        title = f"caching {len(pairs)} {kind}"
        return CacheEntry(root / f"{kind}_{fingerprint}.bin", fingerprint, shapes, make, title)

    return [
        entry("images", f"{size} {bit_depth}", lambda: [[3, *(size or each)] for each in sizes()], image),
        entry(
            "targets",
            f"{target_size} {lookup.tolist()} {source_version(source)}",
            lambda: [list(target_size or each) for each in sizes()],
            target,
        ),
    ]


def _files_version(pairs: Sequence[Pair]) -> str:
    """Hash that changes with the place, name, size or time of any file."""
    digest = hashlib.sha256()
    for pair in pairs:
        for file in (pair.image, pair.mask):
            digest.update(f"{pair.name} {file.absolute()} {_file_version(file)}\n".encode())
    return digest.hexdigest()


def _file_version(file: Path) -> str:
    if not isinstance(file, Path):
        return remote.version_of(file)  # object storage tells times in whole seconds
    facts = file.stat()
    return f"{facts.st_size} {facts.st_mtime}"


def _sizes(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda pair: read_size(pair.image), pairs))
