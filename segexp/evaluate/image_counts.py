"""One image -> the counts that every score of it is derived from."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from segexp.classes import Grouping, LabelTable
from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_instances, read_mask, read_pair
from segexp.display.pictures import color_table, with_palette
from segexp.display.scene_sheet import SheetRow, reduce_row
from segexp.inference.segment import image_batch, needs_windows, segment
from segexp.inference.settings import Inference
from segexp.metric.confusion import prediction
from segexp.metric.counts_file import RESERVED
from segexp.metric.metric import Metric, SegmentedImage
from segexp.metric.scores import image_miou
from segexp.system.files import write_errors_explained
from segexp.types import Bytes, Counts, Logits, Precision, Size


@dataclass(frozen=True)
class CountingTask:
    """Everything that a process needs to segment and count the images of a split.

    image_size, bit_depth: see `segexp.inference.trusted_parts.ImageFormat`.
    metrics: what is counted, by the names under which conf/metric has them. with_pictures: whether
    sheet rows are made.
    precision: in which the model computes.
    predictions: folder for a PNG of label ids for each image, each class as the id of its first label, with the
    classes' colours as palette; None for none.
    """

    model: nn.Module
    grouping: Grouping
    source: Source
    pairs: list[Pair]
    image_size: Size | None
    bit_depth: int | None
    inference: Inference
    metrics: Mapping[str, Metric]
    with_pictures: bool
    precision: Precision
    predictions: Path | None

    @property
    def table(self) -> LabelTable:
        return self.source.table

    @property
    def label_colors(self) -> Bytes:
        """Colour of every byte in files of label ids, uint8 [256, 3]: that of its class."""
        return color_table(self.grouping.colors)[self.grouping.lookup(self.table)]


class ImageCounts(NamedTuple):
    """Counts of one image by name. sheet_row: None without pictures. windowed: not seen as a whole."""

    counts: dict[str, Counts]
    sheet_row: SheetRow | None
    windowed: bool


def count_image(task: CountingTask, index: int, device: torch.device) -> ImageCounts:
    """Read, segment and count one image. The model is on the device already.

    Raises ValueError naming the image if it cannot be read, if the network's logits are not finite, or if a metric
    cannot count it.
    """
    pair = task.pairs[index]
    image, mask = read_pair(task.source, pair, task.table.lookup(), task.bit_depth)
    target = task.grouping.lookup(task.table)[mask]
    device_target, device_mask = (torch.from_numpy(array).to(device) for array in (target, mask))
    logits = _segment(task, pair, image_batch(image[None], device))
    _refuse_not_finite(logits, pair, task.precision)
    device_prediction = prediction(logits)
    predicted = device_prediction[0].cpu().numpy()
    segmented = SegmentedImage(
        logits,
        predicted,
        target,
        mask,
        _instances(pair, predicted),
        (device_prediction[0], device_target, device_mask),
        task.grouping,
        task.table,
    )
    if task.predictions:
        label_ids = task.grouping.mask_values(task.table)[predicted]
        _write_label_ids(task.predictions / f"{pair.name}.png", label_ids, task.label_colors)
        _keep_target(task.predictions / "targets" / f"{pair.name}.png", mask, pair, task.label_colors)
    counts = _count(task.metrics, segmented, pair)
    sheet_row = None
    if task.with_pictures:
        miou = float(image_miou(counts["confusions"][None])[0])
        sheet_row = reduce_row(SheetRow(pair.name, image, target, predicted, miou))
    windowed = needs_windows(target.shape, task.image_size, task.inference)
    return ImageCounts(counts, sheet_row, windowed)


def _segment(task: CountingTask, pair: Pair, image: Tensor) -> Logits:
    """As `segment`, whose refusals, such as of an image that is too small, do not know the file."""
    try:
        return segment(task.model, image, task.image_size, task.inference)
    except ValueError as error:
        raise ValueError(f"{pair.image}: {error}") from error


def _count(metrics: Mapping[str, Metric], image: SegmentedImage, pair: Pair) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    for name, metric in metrics.items():
        try:
            counted = {key: np.asarray(value) for key, value in metric.count(image).items()}
        except Exception as error:  # whatever a metric of the user's own may raise
            raise ValueError(f"metric.{name} cannot count {pair.image} ({type(error).__name__}: {error})") from error
        for key, value in counted.items():
            if value.dtype.kind not in "iu":
                raise ValueError(
                    f"metric.{name} counts {key} as {value.dtype}; allowed: whole numbers, whose sum does not depend "
                    "on the order; multiply fractions by a unit and round them"
                )
            if key in counts or key in RESERVED:
                raise ValueError(f"metric.{name} counts {key!r}, a name that is taken already; choose another one")
        counts |= counted
    return counts


def _refuse_not_finite(logits: Logits, pair: Pair, precision: Precision) -> None:
    """Pixels that are not finite would be given to some class, and their confidence would not be a number."""
    if logits.sum().isfinite() or logits.amax(1).isfinite().all():  # the sum is the faster by far
        return
    cure = "choose another checkpoint=, or train again" if precision == "float32" else "add precision=float32"
    raise ValueError(f"the network gives NaN or infinite logits for {pair.image} in {precision}; {cure}")


def _instances(pair: Pair, predicted: Bytes) -> npt.NDArray[np.int32] | None:
    if pair.instances is None or not pair.instances.is_file():
        return None
    return read_instances(pair.instances, predicted.shape)


def _write_label_ids(path: Path, label_ids: Bytes, colors: Bytes) -> None:
    with write_errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with_palette(label_ids, colors).save(path)


def _keep_target(path: Path, label_ids: Bytes, pair: Pair, colors: Bytes) -> None:
    """Write the label ids of a mask whose own file does not hold them, for reports, which never build a source."""
    with suppress(ValueError):
        if np.array_equal(read_mask(pair.mask), label_ids):
            return
    _write_label_ids(path, label_ids, colors)
