"""Scenes whose pixels are read from cached arrays."""

from collections.abc import Sequence

import torch

from segexp.data.cache import arrays
from segexp.data.cache.arrays import Arrays
from segexp.types import Sample


class CachedScenes:
    """Scenes whose images uint8 [3, H, W] and targets uint8 [H, W] are cached; a crop copies only its own rows."""

    def __init__(self, images: Arrays, targets: Arrays, names: Sequence[str]) -> None:
        self.images = images
        self.targets = targets
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> "CachedScene":
        return CachedScene(self, index)


class CachedScene:
    def __init__(self, scenes: CachedScenes, index: int) -> None:
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
