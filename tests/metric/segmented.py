"""Images of random labels with objects in them, as evaluations hand them to metrics."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from torch.nn.functional import one_hot

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import CITYSCAPES
from segexp.metric.metric import Classes, Metric, SegmentedImage
from segexp.types import VOID, Counts

GROUPING = build.grouping(compose("train", ["classes=cityscapes19"]))
CLASSES = Classes.of(GROUPING, CITYSCAPES)
SIZE = (33, 47)


def segmented(seed: int, accuracy: float = 0.6) -> SegmentedImage:
    """An image with patches of some labels, void ones too, a share of which is predicted right."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(CITYSCAPES.mask_values(), 24, replace=False)
    patches = ndimage.gaussian_filter(rng.normal(size=(24, *SIZE)), (0, 2, 2)).argmax(0)
    label_ids = chosen[patches].astype(np.uint8)
    target = GROUPING.lookup(CITYSCAPES)[label_ids]
    guess = rng.integers(0, GROUPING.num_classes, SIZE)
    is_right = (rng.random(SIZE) < accuracy) & (target != VOID)
    wanted = np.where(is_right, target, guess).astype(np.int64)
    sharpness = 2 * rng.random((*SIZE, 1)) if accuracy < 1 else 200
    logits = one_hot(torch.from_numpy(wanted), GROUPING.num_classes).float() * torch.as_tensor(sharpness).float()
    return with_logits(logits.permute(2, 0, 1)[None], label_ids, _objects(label_ids, rng))


def with_logits(logits: torch.Tensor, label_ids: np.ndarray, instances: np.ndarray) -> SegmentedImage:
    target = GROUPING.lookup(CITYSCAPES)[label_ids]
    prediction = logits[0].argmax(0).to(torch.uint8)
    on_device = (prediction, torch.from_numpy(target), torch.from_numpy(label_ids))
    return SegmentedImage(
        logits, prediction.numpy(), target, label_ids, instances, on_device, GROUPING, CITYSCAPES
    )  # fmt: skip


def with_other_void(image: SegmentedImage) -> SegmentedImage:
    """The same image, of which the pixels without a class are predicted otherwise, and surely."""
    is_void = torch.from_numpy(image.target == VOID)
    surely = torch.zeros_like(image.logits)
    surely[:, 3] = 50
    return with_logits(torch.where(is_void, surely, image.logits), image.label_ids, image.instances)


def without_objects(image: SegmentedImage) -> SegmentedImage:
    return replace(image, instances=None)


def count_all(metrics: Sequence[Metric], images: Sequence[SegmentedImage]) -> dict[str, Counts]:
    """Count images, name -> [N, ...]."""
    counted = [{name: value for each in metrics for name, value in each.count(image).items()} for image in images]
    return {name: np.stack([counts[name] for counts in counted]) for name in counted[0]}


def _objects(label_ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two objects for each label that has any, as Cityscapes numbers them."""
    has_instances = [label.id for label in CITYSCAPES.labels if label.has_instances]
    number = rng.integers(0, 2, SIZE)
    return np.where(
        np.isin(label_ids, has_instances), label_ids.astype(np.int32) * 1000 + 1 + number, label_ids
    ).astype(np.int32)
