"""Scenes of arrays, and what those arrays are made of."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch

from segexp.data.cache import arrays
from segexp.data.cache.arrays import Arrays
from segexp.data.pairs import Pair
from segexp.data.reading import read_image, read_size, read_target
from segexp.data.samples import resized, resized_target
from segexp.system import remote
from segexp.types import Bytes, Sample, Size

VERSION = 1
"""Of what the arrays hold; another one makes them again."""


class Cached:
    """Scenes of arrays: images uint8 [3, H, W], of which rows of a crop are copied, and targets uint8 [H, W]."""

    def __init__(self, images: Arrays, targets: Arrays, names: Sequence[str]) -> None:
        self.images = images
        self.targets = targets
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> "CachedScene":
        return CachedScene(self, index)


class CachedScene:
    def __init__(self, scenes: Cached, index: int) -> None:
        self.scenes = scenes
        self.index = index

    @property
    def size(self) -> tuple[int, int]:
        _, height, width = self.scenes.images.shapes[self.index]
        return height, width

    def crop(self, top: int, left: int, height: int, width: int) -> Sample:
        return self._sample(slice(top, top + height), slice(left, left + width))

    def whole(self) -> Sample:
        return self._sample(arrays.ALL, arrays.ALL)

    def _sample(self, rows: slice, columns: slice) -> Sample:
        image = self.scenes.images.read(self.index, rows, columns)
        target = self.scenes.targets.read(self.index, rows, columns)
        return Sample(torch.from_numpy(image), torch.from_numpy(target), self.scenes.names[self.index])


class Wanted(NamedTuple):
    """Arrays, and how they are made. shapes: asked for only then, as the first bytes of every image are read."""

    path: Path
    fingerprint: str
    shapes: Callable[[], list[list[int]]]
    make: Callable[[int], Bytes]
    title: str


def wanted_of(
    pairs: Sequence[Pair], lookup: Bytes, root: Path, size: Size | None, target_size: Size | None
) -> list[Wanted]:
    """Images, which all groupings share, and the targets of one grouping: looking up a crop's labels would take longer
    than copying them."""
    sources, sizes = _sources(pairs), functools.cache(lambda: _sizes(pairs))

    def image(number: int) -> Bytes:
        found = read_image(pairs[number].image).transpose(2, 0, 1)  # h w rgb -> rgb h w
        return resized(torch.from_numpy(found).contiguous(), size).numpy() if size else found

    def target(number: int) -> Bytes:
        found = read_target(pairs[number], lookup, sizes()[number])
        return resized_target(torch.from_numpy(found), target_size).numpy() if target_size else found

    def wanted(kind: str, facts: str, shapes: Callable[[], list[list[int]]], make: Callable[[int], Bytes]) -> Wanted:
        fingerprint = hashlib.sha256(f"{VERSION} {kind} {facts} {sources}".encode()).hexdigest()[:32]
        title = f"caching {len(pairs)} {kind}"
        return Wanted(root / f"{kind}_{fingerprint}.bin", fingerprint, shapes, make, title)

    return [
        wanted("images", f"{size}", lambda: [[3, *(size or each)] for each in sizes()], image),
        wanted(
            "targets",
            f"{target_size} {lookup.tolist()}",
            lambda: [list(target_size or each) for each in sizes()],
            target,
        ),
    ]


def _sources(pairs: Sequence[Pair]) -> str:
    """Changes with the place, name, size or time of any file."""
    digest = hashlib.sha256()
    for pair in pairs:
        for file in (pair.image, pair.mask):
            digest.update(f"{pair.name} {file.absolute()} {_state(file)}\n".encode())
    return digest.hexdigest()


def _state(file: Path) -> str:
    if not isinstance(file, Path):
        return remote.state(file)  # object storage tells times in whole seconds
    facts = file.stat()
    return f"{facts.st_size} {facts.st_mtime}"


def _sizes(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda pair: read_size(pair.image), pairs))
