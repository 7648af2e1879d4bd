"""Pairs of files -> samples, as training and as evaluation want them."""

from collections.abc import Callable, Sequence

import torch
from torch.utils.data import Dataset
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transform

from segexp.data.pairs import Pair
from segexp.data.reading import Bytes, read_pair
from segexp.types import Sample

ImageSize = tuple[int, int]
Augment = Callable[[Sample, int, int], Sample]


def checked_image_size(size: Sequence[int] | None) -> ImageSize | None:
    if size is None:
        return None
    pair = isinstance(size, Sequence) and len(size) == 2
    if not pair or not all(type(side) is int and side >= 32 for side in size):
        raise ValueError(f"data.image_size is {size!r}; needed is [height, width], each at least 32, or null")
    return int(size[0]), int(size[1])


class TrainingSamples(Dataset[Sample]):
    """Samples by (epoch, index), so that what comes out depends on nothing else.

    lookup: see `Grouping.lookup`. image_size: [H, W] that image and target are resized to, None for native size.
    augment: (sample, epoch, index) -> sample.
    """

    def __init__(self, pairs: Sequence[Pair], lookup: Bytes, image_size: ImageSize | None, augment: Augment) -> None:
        self.pairs = pairs
        self.lookup = lookup
        self.image_size = image_size
        self.augment = augment

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        sample = _read(self.pairs[index], self.lookup)
        if self.image_size:
            sample = sample._replace(
                image=_resize(sample.image, self.image_size), target=_resize_target(sample.target, self.image_size)
            )
        return self.augment(sample, epoch, index)


class EvaluationSamples(Dataset[Sample]):
    """Samples by index, never augmented; the target keeps its native size, at which scores are defined."""

    def __init__(self, pairs: Sequence[Pair], lookup: Bytes, image_size: ImageSize | None) -> None:
        self.pairs = pairs
        self.lookup = lookup
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        sample = _read(self.pairs[index], self.lookup)
        return sample._replace(image=_resize(sample.image, self.image_size)) if self.image_size else sample


def _read(pair: Pair, lookup: Bytes) -> Sample:
    image, target = read_pair(pair, lookup)
    return Sample(torch.from_numpy(image).permute(2, 0, 1).contiguous(), torch.from_numpy(target), pair.name)


def _resize(image: torch.Tensor, size: ImageSize) -> torch.Tensor:
    return transform.resize(image, list(size), antialias=True)


def _resize_target(target: torch.Tensor, size: ImageSize) -> torch.Tensor:
    return transform.resize(target[None], list(size), interpolation=InterpolationMode.NEAREST_EXACT)[0]
