"""Boundary IoU: how well the outlines of classes are found, where IoU sees mostly their insides."""

import cv2
import numpy as np
import numpy.typing as npt

from segexp.types import VOID, Bytes

OUTSIDE = 254


def boundary_regions(target: Bytes, predicted: Bytes, num_classes: int, width: float) -> npt.NDArray[np.int64]:
    """Pixels in the intersection and in the union of the boundary regions of each class, int64 [num_classes, 2].

    target, predicted: train ids, uint8 [H, W]. width: of the regions, as a fraction of the image's diagonal.
    The boundary region of a class are its pixels within that distance of another class or of the image's border. Void
    is void in the prediction too, so that a perfect one scores 1. The sums of a split over its images give its score.
    Source: Cheng et al. 2021, arXiv:2103.16562, with a square instead of a disc, as in their code.
    """
    predicted = np.where(target == VOID, target, predicted)
    distance = max(1, round(width * np.hypot(*target.shape)))
    at_target, at_predicted = _near_edge(target, distance), _near_edge(predicted, distance)
    of_target = np.bincount(target[at_target], minlength=256)
    of_predicted = np.bincount(predicted[at_predicted], minlength=256)
    shared = np.bincount(target[at_target & at_predicted & (target == predicted)], minlength=256)
    return np.stack([shared, of_target + of_predicted - shared], -1)[:num_classes]


def _near_edge(classes: Bytes, distance: int) -> npt.NDArray[np.bool_]:
    """Pixels whose surroundings are not of one class: least and greatest differ, which takes no loop over classes."""
    framed = cv2.copyMakeBorder(classes, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=OUTSIDE)
    square = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    return (cv2.erode(framed, square) != cv2.dilate(framed, square))[1:-1, 1:-1]
