"""How the region losses and the Lovász family average: over classes, images and batches."""

from collections.abc import Sequence
from typing import TypedDict

from segexp.loss.engine.class_average import ClassAverage, Classes
from segexp.loss.engine.momentum import RunningAverage


class AveragingOptions(TypedDict, total=False):
    """Options that each of these losses takes by name; `averages` holds their defaults.

    classes: "present" (default: those with a true pixel in the group), "all", or a list of class indices.
    class_weights: weight of each class in the mean, >= 0, only their ratios matter; None (default): equal ones.
    per_image: whether each image is a group of its own, before the mean over images; default: the global batch is one.
    momentum: from 0 (default) to below 1; above 0 counts are averaged over about 1 / (1 - momentum) batches, so that
        small batches optimise the score of the data set. Not together with per_image.
    """

    classes: Classes
    class_weights: Sequence[float] | None
    per_image: bool
    momentum: float


def averages(
    num_classes: int,
    shape: Sequence[int],
    classes: Classes = "present",
    class_weights: Sequence[float] | None = None,
    per_image: bool = False,
    momentum: float = 0.0,
) -> tuple[ClassAverage, RunningAverage]:
    """Build the mean over classes and the average of counts over batches.

    shape: of the counts of one batch. Raises ValueError for values that are not allowed.
    """
    if momentum and per_image:
        raise ValueError(
            f"loss: momentum is {momentum} and per_image is true; momentum averages the counts of whole batches, which "
            "per_image does not take; set loss.momentum=0 or loss.per_image=false"
        )
    return ClassAverage(num_classes, classes, class_weights, per_image), RunningAverage(shape, momentum)
