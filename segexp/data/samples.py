"""Scenes -> samples, as training and as evaluation want them."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch.utils.data import Dataset
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transform

from segexp.data.lazy import Scenes
from segexp.types import LazySample, Sample, Size

Augment = Callable[[Sample, int, int], Sample]


@runtime_checkable
class ReadsLazily(Protocol):
    """An augmentation that says itself which pixels of a scene it needs."""

    def read(self, scene: LazySample, epoch: int, index: int) -> Sample: ...


class TrainingSamples(Dataset[Sample]):
    """Samples by (epoch, index), so that what comes out depends on nothing else.

    image_size: [H, W] that image and target are resized to, None for native size.
    augment: (sample, epoch, index) -> sample; one that reads lazily is handed scenes that need no resizing unread.
    """

    def __init__(self, scenes: Scenes, image_size: Size | None, augment: Augment) -> None:
        self.scenes = scenes
        self.image_size = image_size
        self.augment = augment
        self.lazily = augment if isinstance(augment, ReadsLazily) else None

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        scene = self.scenes[index]
        if self.lazily and self.image_size in (None, scene.size):
            return self.lazily.read(scene, epoch, index)
        sample = scene.whole()
        if self.image_size:
            target = resized_target(sample.target, self.image_size)
            sample = sample._replace(image=resized(sample.image, self.image_size), target=target)
        return self.augment(sample, epoch, index)


class EvaluationSamples(Dataset[Sample]):
    """Samples by index, never augmented; the target keeps its native size, at which scores are defined."""

    def __init__(self, scenes: Scenes, image_size: Size | None) -> None:
        self.scenes = scenes
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Sample:
        sample = self.scenes[index].whole()
        return sample._replace(image=resized(sample.image, self.image_size)) if self.image_size else sample


def resized(image: torch.Tensor, size: Size) -> torch.Tensor:
    """uint8 [3, H, W] -> uint8 [3, *size], smoothed where it shrinks."""
    return transform.resize(image, list(size), antialias=True)


def resized_target(target: torch.Tensor, size: Size) -> torch.Tensor:
    """Train ids [H, W] -> [*size], each that of the nearest pixel."""
    return transform.resize(target[None], list(size), interpolation=InterpolationMode.NEAREST_EXACT)[0]
