"""One image -> the counts that every score of it is derived from."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from segexp.classes import Grouping, LabelTable
from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_instances, read_mask, read_pair
from segexp.display import pictures
from segexp.inference.segment import image_batch, segment
from segexp.inference.settings import Inference
from segexp.metric.boundary import boundary_regions
from segexp.metric.calibration import calibration_counts
from segexp.metric.confusion import pair_counts, prediction
from segexp.metric.instances import instance_counts
from segexp.types import Bytes, Counts, Logits, Size


@dataclass(frozen=True)
class CountingTask:
    """Everything that a process needs to segment and count the images of a split.

    boundary_width: of boundary IoU, see `boundary_regions`. pictured: indices of the images that the sheet shows.
    predictions: folder for a PNG of label ids for each image, the form in which benchmarks take predictions: each class
    as the id of its first label; None for none.
    """

    model: nn.Module
    grouping: Grouping
    source: Source
    pairs: list[Pair]
    image_size: Size | None
    inference: Inference
    boundary_width: float
    pictured: frozenset[int]
    predictions: Path | None

    @property
    def table(self) -> LabelTable:
        return self.source.table


class ImageCounts(NamedTuple):
    """Counts of one image.

    labels: pixels by true label and predicted class [L, C]. boundary: see `boundary_regions` [C, 2]. calibration: see
    `calibration_counts` [bins, 3]. instances: see `instance_counts` [K, 4], None where the data set has none.
    sheet_row: None for an image that is not pictured.
    """

    labels: Counts
    boundary: Counts
    calibration: Counts
    instances: Counts | None
    sheet_row: pictures.SheetRow | None


def count_image(task: CountingTask, index: int, device: torch.device) -> ImageCounts:
    """Read, segment and count one image. The model is on the device already.

    Raises ValueError naming the image if it cannot be read, or if the network's logits are not finite.
    """
    pair, num_classes = task.pairs[index], task.grouping.num_classes
    image, mask = read_pair(task.source, pair, task.table.lookup())
    target = task.grouping.lookup(task.table)[mask]
    device_target, device_mask = (torch.from_numpy(array).to(device) for array in (target, mask))
    logits = segment(task.model, image_batch(image[None], device), task.image_size, task.inference)
    _refuse_not_finite(logits, pair, task.inference.precision)
    device_prediction = prediction(logits)
    label_counts = pair_counts(device_mask, device_prediction).cpu().numpy()[task.table.mask_values()]
    calibration = calibration_counts(logits, device_prediction, device_target[None]).cpu().numpy()
    predicted = device_prediction[0].cpu().numpy()
    if task.predictions:
        _write_label_ids(task.predictions / f"{pair.name}.png", task.grouping.mask_values(task.table)[predicted])
        _keep_target(task.predictions / "targets" / f"{pair.name}.png", mask, pair)
    return ImageCounts(
        label_counts[:, :num_classes],
        boundary_regions(target, predicted, num_classes, task.boundary_width),
        calibration,
        _instance_counts(task, pair, predicted),
        pictures.SheetRow(pair.name, image, target, predicted) if index in task.pictured else None,
    )


def _refuse_not_finite(logits: Logits, pair: Pair, precision: str) -> None:
    """Pixels that are not finite would be given to some class, and their confidence would not be a number."""
    if logits.sum().isfinite() or logits.amax(1).isfinite().all():  # the sum is the faster by far
        return
    cure = "choose another checkpoint=, or train again" if precision == "float32" else "add precision=float32"
    raise ValueError(f"the network answers {pair.image} with NaN or infinite logits in {precision}; {cure}")


def _instance_counts(task: CountingTask, pair: Pair, predicted: Bytes) -> Counts | None:
    if pair.instances is None or not pair.instances.is_file():
        return None
    return instance_counts(read_instances(pair.instances, predicted.shape), predicted, task.grouping, task.table)


def _write_label_ids(path: Path, label_ids: Bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(label_ids).save(path)


def _keep_target(path: Path, label_ids: Bytes, pair: Pair) -> None:
    """Write the label ids of a mask whose own file does not hold them, for reports, which never build a source."""
    with suppress(ValueError):
        if np.array_equal(read_mask(pair.mask), label_ids):
            return
    _write_label_ids(path, label_ids)
