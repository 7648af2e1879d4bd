"""Samples -> batches, without a Trainer."""

import os
from collections.abc import Sequence

import torch
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from segexp.types import Sample


def loader(samples: Dataset[Sample], sampler: Sampler, batch_size: int, num_workers: int) -> DataLoader:
    """Batches of uint8, pinned where a GPU will fetch them, from workers that stay between epochs."""
    return DataLoader(
        samples,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
    )


def collate(samples: Sequence[Sample]) -> Sample:
    """Stack samples of one size. Raises ValueError naming two of different size."""
    shapes = {(sample.image.shape, sample.target.shape): sample.name for sample in samples}
    if len(shapes) > 1:
        found = {name: [list(image[1:]), list(target)] for (image, target), name in shapes.items()}
        raise ValueError(
            f"a batch holds scenes of different sizes, of image and target: {found}; for validation set "
            "data.eval_batch_size=1, for training data.image_size, an augmentation that crops, or data.batch_size=1"
        )
    return default_collate(list(samples))


def default_num_workers() -> int:
    return max(0, min(8, len(os.sched_getaffinity(0)) - 1)) if hasattr(os, "sched_getaffinity") else 0
