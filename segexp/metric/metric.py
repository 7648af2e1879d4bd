"""What a metric is: whole numbers counted in each image, and scores that follow from those of all images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.types import Bytes, Counts, Floats, Logits

if TYPE_CHECKING:
    from torch import Tensor

Scores = dict[str, Floats]
"""Name of a score -> its value in each of B resamples [B], NaN where it has none. `miou` is a score of the whole split,
and `iou/person` that of one class."""


class Classes(NamedTuple):
    """What scores need to know of the classes and of the labels in the masks, as plain values.

    names: of the C classes. categories: the coarser class of each, None where it has none.
    class_of_label: class of each of the L labels of the data set, -1 for void.
    has_instances: whether single objects of each label have ids.
    """

    names: tuple[str, ...]
    categories: tuple[str | None, ...]
    class_of_label: tuple[int, ...]
    has_instances: tuple[bool, ...]

    @classmethod
    def of(cls, grouping: Grouping, table: LabelTable) -> "Classes":
        train_ids = grouping.lookup(table)[table.mask_values()].astype(np.int64)
        class_of_label = np.where(train_ids < grouping.num_classes, train_ids, -1)
        has_instances = tuple(label.has_instances for label in table.labels)
        categories = tuple(grouping.categories(table))
        return cls(tuple(grouping.names), categories, tuple(class_of_label.tolist()), has_instances)


@dataclass(frozen=True)
class SegmentedImage:
    """One image with its ground truth and what the network made of it, at native size.

    logits: float32 [1, C, H, W], on the device.
    prediction, target: train ids, uint8 [H, W]; target is VOID where nothing is scored.
    label_ids: of the data set's table, uint8 [H, W], see `Source.mask`.
    instances: ids of single objects, int32 [H, W], see `read_instances`; None if the data set has none.
    on_device: prediction, target and label_ids as tensors beside the logits.
    """

    logits: Logits
    prediction: Bytes
    target: Bytes
    label_ids: Bytes
    instances: npt.NDArray[np.int32] | None
    on_device: "tuple[Tensor, Tensor, Tensor]"
    grouping: Grouping
    table: LabelTable


class Metric(Protocol):
    """An option of conf/metric. It is sent to other processes, and `segexp.compare`, which loads no torch, imports it.

    needs: names of the counts that its scores follow from; they may be those of another metric.
    lower_is_better: those of its scores that are errors.
    """

    needs: tuple[str, ...]
    lower_is_better: tuple[str, ...]

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        """Count in one image: name -> whole numbers, in the same shape for all images of a split.

        Void pixels must not count. Empty if the image has not what the metric needs.
        """
        ...

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        """Compute the scores of a split from the counts of its N images, name -> [N, ...].

        weights: how often each image is drawn in each of B resamples [B, N]; None for every image once, where B is 1.
        Most metrics begin with `summed(counts[name], weights)` of `segexp.metric.sums`.
        """
        ...
