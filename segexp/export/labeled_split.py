"""Labelled images of a run's data for an exported network: some to calibrate on, a split to be scored on."""

from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from segexp.classes import Grouping
from segexp.data.pairs import Pair, Source, evenly_spread
from segexp.data.reading import read_image, read_pair
from segexp.inference.segment import Network, image_batch, segment
from segexp.inference.settings import Inference
from segexp.metric import scores
from segexp.metric.confusion import confusion_matrix, prediction
from segexp.types import Size


@dataclass(frozen=True)
class LabeledSplit:
    """Images with masks. image_size, bit_depth: as the network sees them, see `ImageFormat`."""

    source: Source
    pairs: list[Pair]
    grouping: Grouping
    image_size: Size | None
    bit_depth: int | None

    def evenly_spread(self, number: int) -> list[Tensor]:
        """At most that many images, evenly spread, uint8 [1, 3, H, W] as the network sees them."""
        pairs = evenly_spread(self.pairs, number)
        images = (image_batch(read_image(pair.image, self.bit_depth)[None]).contiguous() for pair in pairs)
        size = list(self.image_size) if self.image_size else None
        return [transform.resize(image, size, antialias=True) if size else image for image in images]


def mean_iou(network: Network, split: LabeledSplit, name: str) -> float:
    """Mean IoU at native size, from the summed confusion matrix, as `segexp.evaluate` computes it.

    name: of the network, for the progress bar.
    """
    lookup, num_classes = split.grouping.lookup(split.source.table), split.grouping.num_classes
    counts = np.zeros((num_classes, num_classes), np.int64)
    for pair in track(split.pairs, f"scoring {name} on {len(split.pairs)} images"):
        image, target = read_pair(split.source, pair, lookup, split.bit_depth)
        logits = segment(network, image_batch(image[None]).contiguous(), split.image_size, Inference())
        counts += confusion_matrix(prediction(logits)[0], torch.from_numpy(target), num_classes).numpy()
    return scores.mean(scores.class_iou(counts))
