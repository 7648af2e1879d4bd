"""Images that two splits share: a network that was trained on them is not put to the test by them."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from segexp.data.pairs import Pair
from segexp.system import remote

SAMPLE_BYTES = 4096
"""Bytes from the middle of a file, by which files of one size are told apart before they are read as a whole."""
NUM_EXAMPLES = 3


class Shared(NamedTuple):
    """A scene of each split whose images are one file, or two files that hold the same bytes."""

    first: Pair
    second: Pair

    def __str__(self) -> str:
        one_file = self.first.image == self.second.image
        return str(self.first.image) if one_file else f"{self.first.image} = {self.second.image}"


def refuse_shared_images(splits: tuple[str, str], first: Sequence[Pair], second: Sequence[Pair]) -> None:
    """Raise ValueError that names some of the images which two splits share. splits: their names."""
    shared = shared_images(first, second)
    if shared:
        examples = ", ".join(map(str, shared[:NUM_EXAMPLES]))
        both = " and ".join(splits) if splits[0] != splits[1] else f"for training and validation, both {splits[0]},"
        raise ValueError(
            f"the splits {both} share images, {len(shared)} in all, such as {examples}; give each split files of its "
            "own (in data.images and data.masks of data=folder, SPLIT stands for the split's name), or "
            "allow it by data.splits_may_overlap=true: scores then say nothing about images that were not trained on"
        )


def shared_images(first: Sequence[Pair], second: Sequence[Pair]) -> list[Shared]:
    """The scenes of two splits that share an image, in the order of the second.

    If there are images of one path, nothing is read. Otherwise the sizes of all files are asked for, which says that
    nearly all differ; of those of one size 4 KB are read; of those that agree there, everything. Of images on object
    storage, the checksums that the storage has are compared.
    """
    by_path = _matches(first, second, _place)
    if by_path:
        return by_path
    for key in (_size, _sample):
        first, second = _sharing(first, second, key)
    return _matches(first, second, _content)


Key = Callable[[Path], Hashable]


def _matches(first: Sequence[Pair], second: Sequence[Pair], key: Key) -> list[Shared]:
    scenes = dict(zip(_keys(first, key), first, strict=True))
    return [Shared(scenes[each], pair) for each, pair in zip(_keys(second, key), second, strict=True) if each in scenes]


def _sharing(first: Sequence[Pair], second: Sequence[Pair], key: Key) -> list[list[Pair]]:
    """Those scenes of each split whose key a scene of the other one has, too."""
    keys = [_keys(pairs, key) for pairs in (first, second)]
    common = set(keys[0]) & set(keys[1])
    return [
        [pair for each, pair in zip(of_split, pairs, strict=True) if each in common]
        for of_split, pairs in zip(keys, (first, second), strict=True)
    ]


def _keys(pairs: Sequence[Pair], key: Key) -> list[Hashable]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda pair: key(pair.image), pairs))


def _place(image: Path) -> Hashable:
    return image.absolute()


def _size(image: Path) -> Hashable:
    return image.stat().st_size


def _sample(image: Path) -> Hashable:
    if not isinstance(image, Path):
        return remote.version_of(image)
    with image.open("rb") as file:
        file.seek(max(0, image.stat().st_size - SAMPLE_BYTES) // 2)
        return file.read(SAMPLE_BYTES)


def _content(image: Path) -> Hashable:
    return sha256(image.read_bytes()).digest() if isinstance(image, Path) else remote.version_of(image)
