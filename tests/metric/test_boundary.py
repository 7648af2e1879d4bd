"""Boundary IoU, held against the definition of Cheng et al. with SciPy's erosion of one mask a class."""

import numpy as np
import pytest
from scipy import ndimage

from segexp.metric import scores
from segexp.metric.boundary import Boundary, boundary_regions
from segexp.metric.metric import Classes
from segexp.types import VOID

NUM_CLASSES = 4


def blobs(seed: int, with_void: bool, shape: tuple[int, int] = (37, 53)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(NUM_CLASSES + with_void, *shape)), (0, 4, 4))
    classes = smooth.argmax(0).astype(np.uint8)
    return np.where(classes == NUM_CLASSES, VOID, classes).astype(np.uint8)


def by_definition(target: np.ndarray, predicted: np.ndarray, distance: int) -> np.ndarray:
    predicted = np.where(target == VOID, VOID, predicted)
    regions = []
    for number in range(NUM_CLASSES):
        in_target, in_predicted = (
            (classes == number) & ~eroded(classes == number, distance) for classes in (target, predicted)
        )
        regions.append(((in_target & in_predicted).sum(), (in_target | in_predicted).sum()))
    return np.array(regions)


def eroded(mask: np.ndarray, distance: int) -> np.ndarray:
    return ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=distance)  # outside the image counts as background


def boundary_iou(regions: np.ndarray) -> np.ndarray:
    """Score one image: IoU of each class, [C, 2] -> [C]."""
    names = tuple(str(number) for number in range(len(regions)))
    classes = Classes(names, (None,) * len(names), (), ())
    scored = Boundary(0.02).scores({"boundary": regions[None]}, None, classes)
    return np.array([scored[f"boundary_iou/{name}"][0] for name in names])


@pytest.mark.parametrize("with_void", [False, True])
@pytest.mark.parametrize("width", [0.001, 0.02, 0.1])
def test_regions_are_those_of_the_definition(with_void: bool, width: float) -> None:
    target, predicted = blobs(0, with_void), blobs(1, False)
    distance = max(1, round(width * np.hypot(37, 53)))
    ours = boundary_regions(target, predicted, NUM_CLASSES, width)
    assert np.array_equal(ours, by_definition(target, predicted, distance))


def test_a_perfect_prediction_scores_one_beside_void_too() -> None:
    target = blobs(0, with_void=True)
    regions = boundary_regions(target, np.where(target == VOID, 2, target).astype(np.uint8), NUM_CLASSES, 0.02)
    assert np.array_equal(boundary_iou(regions), np.ones(NUM_CLASSES))


def test_a_boundary_as_wide_as_the_image_gives_the_iou() -> None:
    target, predicted = blobs(0, with_void=False), blobs(1, with_void=False)
    confusion = np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64)
    np.add.at(confusion, (target.ravel(), predicted.ravel()), 1)
    iou = boundary_iou(boundary_regions(target, predicted, NUM_CLASSES, 0.99))
    np.testing.assert_array_equal(iou, scores.class_iou(confusion))


def test_a_class_that_never_occurs_is_nan() -> None:
    empty = np.zeros((32, 32), np.uint8)
    assert np.isnan(boundary_iou(boundary_regions(empty, empty, 2, 0.02))[1])


@pytest.mark.parametrize("width", [0, 1, -0.1])
def test_a_width_that_is_no_fraction_of_the_diagonal_is_refused(width: float) -> None:
    with pytest.raises(
        ValueError, match=rf"metric.boundary.width is {width}; allowed: a number between 0 and 1, .*diag"
    ):
        Boundary(width)
