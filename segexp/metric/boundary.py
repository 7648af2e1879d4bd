"""Boundary IoU: how well the outlines of classes are predicted, where IoU measures mostly their interior."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from segexp.metric.metric import Classes, Scores, SegmentedImage
from segexp.metric.sums import by_name, mean, ratio, summed
from segexp.types import VOID, Bytes, Counts, Floats

OUTSIDE = 254


class Boundary:
    """boundary_miou and boundary_iou/CLASS, see `boundary_regions`.

    width: largest distance from an edge, as a fraction of the image's diagonal, between 0 and 1.
    """

    needs = ("boundary",)
    lower_is_better = ()

    def __init__(self, width: float) -> None:
        if not 0 < width < 1:
            raise ValueError(
                f"metric.boundary.width is {width}; allowed: a number between 0 and 1, a fraction of the image's "
                "diagonal"
            )
        self.width = width

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        return {"boundary": boundary_regions(image.target, image.prediction, image.grouping.num_classes, self.width)}

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        regions = summed(counts["boundary"], weights)
        iou = ratio(regions[..., 0], regions[..., 1])
        return {"boundary_miou": mean(iou), **by_name("boundary_iou", classes.names, iou)}


def boundary_regions(target: Bytes, predicted: Bytes, num_classes: int, width: float) -> npt.NDArray[np.int64]:
    """Count the pixels in the intersection and the union of each class's boundary regions, int64 [num_classes, 2].

    target, predicted: train ids, uint8 [H, W]. width: of the regions, as a fraction of the image's diagonal.
    The boundary region of a class consists of its pixels within that distance of another class or of the image's
    border. Void is void in the prediction too, so that a perfect one scores 1. The score of a split is computed from
    the sums over its images.
    Source: Cheng et al. 2021, arXiv:2103.16562, with a square instead of a disc, as in their code.
    """
    predicted = np.where(target == VOID, target, predicted)
    distance = max(1, round(width * np.hypot(*target.shape)))
    near_target, near_predicted = _near_edge(target, distance), _near_edge(predicted, distance)
    in_target = np.bincount(target[near_target], minlength=256)
    in_predicted = np.bincount(predicted[near_predicted], minlength=256)
    in_both = np.bincount(target[near_target & near_predicted & (target == predicted)], minlength=256)
    return np.stack([in_both, in_target + in_predicted - in_both], -1)[:num_classes]


def _near_edge(classes: Bytes, distance: int) -> npt.NDArray[np.bool_]:
    """Mark pixels in whose neighbourhood the least and greatest class differ, which takes no loop over classes."""
    framed = cv2.copyMakeBorder(classes, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=OUTSIDE)
    square = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    return (cv2.erode(framed, square) != cv2.dilate(framed, square))[1:-1, 1:-1]
