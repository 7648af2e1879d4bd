"""One image -> the counts that every score of it is derived from."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from segexp.classes import Grouping, LabelTable
from segexp.data.pairs import Pair
from segexp.data.reading import read_instances, read_pair
from segexp.display import pictures
from segexp.inference.segment import segment
from segexp.inference.settings import Inference
from segexp.metric.boundary import boundary_regions
from segexp.metric.calibration import calibration_counts
from segexp.metric.confusion import pair_counts, prediction
from segexp.metric.instances import instance_counts
from segexp.types import Counts, Logits, Size


@dataclass(frozen=True)
class Job:
    """What is done to each image of a split.

    boundary_width: of boundary IoU, see `boundary_regions`. drawn: numbers of the images to be pictured. predictions:
    folder for a PNG of label ids for each image, None for none.
    """

    model: nn.Module
    grouping: Grouping
    table: LabelTable
    pairs: list[Pair]
    image_size: Size | None
    inference: Inference
    boundary_width: float
    drawn: frozenset[int]
    predictions: Path | None


class Tally(NamedTuple):
    """Counts of one image.

    labels: pixels by true label and predicted class [L, C]. boundary: see `boundary_regions` [C, 2]. calibration: see
    `calibration_counts` [bins, 3]. instances: see `instance_counts` [K, 4], None where the data tells no objects apart.
    """

    labels: Counts
    boundary: Counts
    calibration: Counts
    instances: Counts | None
    scene: pictures.Scene | None


def tally(job: Job, number: int, device: torch.device) -> Tally:
    """Read, segment and count one image. The model is on the device already.

    Raises ValueError naming the image where reading it fails, or the network's answer is not finite.
    """
    pair = job.pairs[number]
    image, mask = read_pair(pair, job.table.lookup())
    target = job.grouping.lookup(job.table)[mask]
    on_device_target, ids = (torch.from_numpy(array).to(device) for array in (target, mask))
    logits = segment(job.model, _batch(image).to(device), job.image_size, job.inference)
    _refuse_not_finite(logits, job, pair)
    on_device = prediction(logits)
    counts = pair_counts(ids, on_device).cpu().numpy()[job.table.written_ids()]
    calibration = calibration_counts(logits, on_device, on_device_target[None]).cpu().numpy()
    predicted = on_device[0].cpu().numpy()
    if job.predictions:
        _write_labels(job.predictions / f"{pair.name}.png", predicted, job)
    return Tally(
        counts[:, : job.grouping.num_classes],
        boundary_regions(target, predicted, job.grouping.num_classes, job.boundary_width),
        calibration,
        _instances(job, pair, predicted),
        pictures.Scene(pair.name, image, target, predicted) if number in job.drawn else None,
    )


def _batch(image: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()[None]


def _refuse_not_finite(logits: Logits, job: Job, pair: Pair) -> None:
    """Such pixels would be given to some class, and their confidence would be no number."""
    if logits.sum().isfinite() or logits.amax(1).isfinite().all():  # the sum is the faster by far
        return
    precision = job.inference.precision
    cure = "choose another checkpoint=, or train again" if precision == "float32" else "add precision=float32"
    raise ValueError(f"the network answers {pair.image} with NaN or infinite logits in {precision}; {cure}")


def _instances(job: Job, pair: Pair, predicted: npt.NDArray[np.uint8]) -> Counts | None:
    if pair.instances is None or not pair.instances.is_file():
        return None
    return instance_counts(read_instances(pair.instances, predicted.shape), predicted, job.grouping, job.table)


def _write_labels(path: Path, predicted: npt.NDArray[np.uint8], job: Job) -> None:
    """Each class as the id of its first label, the form in which benchmarks take predictions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(job.grouping.written_ids(job.table)[predicted]).save(path)
