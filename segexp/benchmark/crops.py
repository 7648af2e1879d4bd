"""Readers of the same training crops: those of segexp, that of torchvision, and the bare copying of their bytes."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from torchvision import datasets, tv_tensors
from torchvision.transforms import v2

from segexp import build
from segexp.augmentation.augmentation import Augmentation
from segexp.augmentation.scale_crop import RandomScaleCrop
from segexp.config.compose import compose
from segexp.data.cache.cache import Cache
from segexp.data.cache.scenes import CachedScenes
from segexp.data.reading import read_pair
from segexp.data.samples import TrainingSamples
from segexp.data.scenes import Scenes
from segexp.data.streets import Streets
from segexp.types import Bytes, Sample, Size

FILES, MEMORY, DISK = "PNG files", "memory cache", "disk cache"
CACHES = {FILES: "off", MEMORY: "memory", DISK: "disk"}
"""Reader of scenes -> kind of data.cache."""
TORCHVISION, LIMIT = "torchvision", "memcpy"
NONE = "none"
SCALES: Mapping[str, tuple[float, float]] = {"crop": (1.0, 1.0), "scale, crop, flip": (1.0, 2.5)}
"""Augmentation -> the factors by which a scene is enlarged. The second is conf/augmentation/gridnet.yaml."""
SPLIT = "train"

Key = tuple[int, int]


def crops_by_reader(
    streets: Streets, crop: Size, caches: Sequence[str], cache_root: str
) -> dict[tuple[str, str], Dataset[Sample]]:
    """(reader, augmentation) -> samples by (epoch, index). Renders and caches the scenes if that was not done before.

    Augmentation NONE: pixels of a random rectangle, as they are read. crop: [height, width] of the samples.
    caches: kinds of data.cache. Raises OSError or ValueError for a cache that there is no room for.
    """
    lookup = build.grouping(compose("train")).lookup(streets.table)
    arrays = [read_pair(streets, pair, lookup) for pair in streets.pairs(SPLIT)]
    crops: dict[tuple[str, str], Dataset[Sample]] = {(LIMIT, NONE): CopiedCrops(arrays, crop)}
    for reader, kind in CACHES.items():
        if kind == "off" or kind in caches:
            scenes = scenes_of(streets, lookup, kind, cache_root)
            crops[reader, NONE] = RawCrops(scenes, crop)
            crops |= {(reader, name): augmented(scenes, crop, name) for name in SCALES}
    for name, scale in SCALES.items():
        crops[TORCHVISION, name] = TorchvisionCrops(streets, lookup, crop, scale)
    return crops


def scenes_of(streets: Streets, lookup: Bytes, kind: str, cache_root: str) -> Scenes:
    """The training scenes, read through a cache of this kind. Raises OSError or ValueError if it has no room."""
    scenes = Cache(kind, None, cache_root).scenes(streets, streets.pairs(SPLIT), lookup, None)
    if kind != "off" and not isinstance(scenes, CachedScenes):
        raise OSError(f"data.cache={kind} cannot be measured here, see above; leave {kind} out of input.caches")
    return scenes


def augmented(scenes: Scenes, crop: Size, name: str) -> Dataset[Sample]:
    """Random crops of scenes, augmented. name: one of SCALES."""
    transforms: dict[str, nn.Module] = {"crop": RandomScaleCrop(crop, SCALES[name])}
    if SCALES[name][1] > 1:
        transforms["flip"] = v2.RandomHorizontalFlip()
    return TrainingSamples(scenes, None, Augmentation(transforms, seed=0))


class RawCrops(Dataset[Sample]):
    """Random rectangles of scenes as they are read, without an augmentation."""

    def __init__(self, scenes: Scenes, crop: Size) -> None:
        self.scenes, self.crop = scenes, crop

    def __getitem__(self, key: Key) -> Sample:
        scene = self.scenes[key[1]]
        return scene.crop(*_corner(scene.size, self.crop), *self.crop)


class CopiedCrops(Dataset[Sample]):
    """Bytes of as many pixels copied from arrays of this process: no reader of crops can be faster."""

    def __init__(self, scenes: list[tuple[Bytes, Bytes]], crop: Size) -> None:
        self.scenes = [(np.ascontiguousarray(image.transpose(2, 0, 1)), target) for image, target in scenes]
        self.crop = crop

    def __getitem__(self, key: Key) -> Sample:
        image, target = self.scenes[key[1]]
        top, left = _corner(target.shape, self.crop)
        window = slice(top, top + self.crop[0]), slice(left, left + self.crop[1])
        image, target = (each[..., window[0], window[1]].copy() for each in (image, target))
        return Sample(torch.from_numpy(image), torch.from_numpy(target), "")


class TorchvisionCrops(Dataset[Sample]):
    """torchvision's data set of Cityscapes, decoded by Pillow, with torchvision's transforms of image and mask."""

    def __init__(self, streets: Streets, lookup: Bytes, crop: Size, scale: tuple[float, float]) -> None:
        first = (
            v2.RandomCrop(crop) if scale[1] == 1 else v2.RandomResizedCrop(crop, _areas(streets, crop, scale), (1, 1))
        )
        self.transforms = v2.Compose([first, *([v2.RandomHorizontalFlip()] if scale[1] > 1 else [])])
        self.lookup = torch.from_numpy(lookup)
        self.files = datasets.Cityscapes(streets.folder, SPLIT, target_type="semantic", transforms=self._transform)

    def __getitem__(self, key: Key) -> Sample:
        image, target = self.files[key[1]]
        return Sample(image, target, "")

    def _transform(self, image: Any, mask: Any) -> tuple[torch.Tensor, torch.Tensor]:
        pair = self.transforms(tv_tensors.Image(image), tv_tensors.Mask(mask))
        image, labels = (each.as_subclass(torch.Tensor) for each in pair)
        return image, self.lookup[labels[0].int()]


def _areas(streets: Streets, crop: Size, scale: tuple[float, float]) -> tuple[float, float]:
    """The least and the largest share of a scene's area that a crop takes before it is enlarged."""
    share = crop[0] * crop[1] / (streets.height * streets.width)
    return share / scale[1] ** 2, share / scale[0] ** 2


def _corner(size: tuple[int, ...], crop: Size) -> tuple[int, int]:
    return random.randrange(size[0] - crop[0] + 1), random.randrange(size[1] - crop[1] + 1)
