"""Samples for training and for evaluation, made from scenes."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch.utils.data import Dataset
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transform

from segexp.data.scenes import Scenes
from segexp.data.small_images import refuse_small_sample
from segexp.types import LazySample, Sample, Size

Augment = Callable[[Sample, int, int], Sample]


@runtime_checkable
class LazyAugment(Protocol):
    """An augmentation that reads only those pixels of a scene that it needs."""

    def read(self, scene: LazySample, epoch: int, index: int) -> Sample: ...


class TrainingSamples(Dataset[Sample]):
    """Augmented samples by (epoch, index), on which alone a sample depends.

    image_size: [H, W] that image and target are resized to, None for native size.
    augment: (sample, epoch, index) -> sample; a `LazyAugment` reads scenes that need no resizing itself.
    """

    def __init__(self, scenes: Scenes, image_size: Size | None, augment: Augment) -> None:
        self.scenes = scenes
        self.image_size = image_size
        self.augment = augment
        self.lazy_augment = augment if isinstance(augment, LazyAugment) else None

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        epoch, index = key
        scene = self.scenes[index]
        if self.lazy_augment and self.image_size in (None, scene.size):
            return refuse_small_sample(self.lazy_augment.read(scene, epoch, index))
        sample = scene.whole()
        if self.image_size:
            target = resize_target(sample.target, self.image_size)
            sample = sample._replace(image=resize(sample.image, self.image_size), target=target)
        return refuse_small_sample(self.augment(sample, epoch, index))


class EvaluationSamples(Dataset[Sample]):
    """Samples by index, never augmented.

    image_size: [H, W] that the image is resized to, None for native size. The target always keeps its native size, at
    which scores are defined.
    """

    def __init__(self, scenes: Scenes, image_size: Size | None) -> None:
        self.scenes = scenes
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Sample:
        sample = self.scenes[index].whole()
        image = resize(sample.image, self.image_size) if self.image_size else sample.image
        return refuse_small_sample(sample._replace(image=image))


def resize(image: torch.Tensor, size: Size) -> torch.Tensor:
    """Resize an image uint8 [3, H, W] to [3, *size], smoothed where it shrinks."""
    return transform.resize(image, list(size), antialias=True)


def resize_target(target: torch.Tensor, size: Size) -> torch.Tensor:
    """Resize train ids [H, W] to [*size]; each becomes that of the nearest pixel."""
    return transform.resize(target[None], list(size), interpolation=InterpolationMode.NEAREST_EXACT)[0]
