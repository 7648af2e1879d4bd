"""The scenes of a split, decoded from their files each time they are read."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_pair
from segexp.types import Bytes, LazySample, Sample


class Scenes(Protocol):
    """The scenes of a split by index, in the order of their names."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> LazySample: ...


class FileScenes:
    """Scenes that are decoded from their files whenever they are indexed; only then is a broken file noticed.

    source: the data set that listed the pairs. lookup: train id of every mask value [256], see `Grouping.lookup`.
    bit_depth: of the images, see `segexp.data.image.upright`.
    """

    def __init__(self, source: Source, pairs: Sequence[Pair], lookup: Bytes, bit_depth: int | None = None) -> None:
        self.source = source
        self.pairs = pairs
        self.lookup = lookup
        self.bit_depth = bit_depth

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> "DecodedScene":
        pair = self.pairs[index]
        return DecodedScene(*read_pair(self.source, pair, self.lookup, self.bit_depth), pair.name)


class DecodedScene(NamedTuple):
    """A scene in memory: image uint8 [H, W, 3] and target uint8 [H, W]. A crop copies only its own pixels."""

    image: Bytes
    target: Bytes
    name: str

    @property
    def size(self) -> tuple[int, int]:
        return self.target.shape[0], self.target.shape[1]

    def crop(self, top: int, left: int, height: int, width: int) -> Sample:
        rows, columns = slice(top, top + height), slice(left, left + width)
        image, target = torch.from_numpy(self.image[rows, columns]), torch.from_numpy(self.target[rows, columns])
        return Sample(image.permute(2, 0, 1).contiguous(), target.contiguous(), self.name)

    def whole(self) -> Sample:
        return self.crop(0, 0, *self.size)
