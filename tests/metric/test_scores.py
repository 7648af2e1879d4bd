"""Scores of metrics, held against functions of one matrix, torchmetrics, and definitions written as loops."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index

from segexp.data.cityscapes import CITYSCAPES
from segexp.metric import scores
from segexp.metric.image_miou import ImageMiou
from segexp.metric.instances import Instances
from segexp.metric.metric import SegmentedImage
from segexp.metric.overlap import Overlap
from segexp.types import VOID, Counts
from tests.metric.segmented import CLASSES, GROUPING, count_all, segmented, without_objects

pytestmark = pytest.mark.fast

IMAGES = [segmented(seed, accuracy) for seed, accuracy in enumerate(np.linspace(0.1, 0.95, 41))]


@pytest.fixture(scope="module")
def counts() -> dict[str, Counts]:
    return count_all([Overlap(), Instances()], IMAGES)


def test_overlap_gives_the_scores_of_the_summed_matrix(counts: dict[str, Counts]) -> None:
    ours = {name: value[0] for name, value in Overlap().scores(counts, None, CLASSES).items()}
    theirs = scores.all_scores(counts["confusions"].sum(0), CLASSES.names, CLASSES.categories)
    assert {name: value for name, value in ours.items() if not np.isnan(value)} == pytest.approx(
        {name: value for name, value in theirs.items() if not np.isnan(value)}
    )


def test_overlap_equals_torchmetrics(counts: dict[str, Counts]) -> None:
    ours = Overlap().scores(counts, None, CLASSES)
    prediction, target = (
        torch.from_numpy(np.stack([getattr(image, kind) for image in IMAGES]).astype(np.int64))
        for kind in ("prediction", "target")
    )
    options = {"num_classes": GROUPING.num_classes, "ignore_index": VOID}
    iou = multiclass_jaccard_index(prediction, target, average="none", **options)
    assert [ours[f"iou/{name}"][0] for name in CLASSES.names] == pytest.approx(iou.tolist(), abs=1e-6)
    accuracy = multiclass_accuracy(prediction, target, average="micro", **options)
    assert ours["pixel_accuracy"][0] == pytest.approx(float(accuracy), abs=1e-6)


def image_miou(image: SegmentedImage) -> float:
    """The mean IoU of the classes that occur in the target, by definition."""
    is_scored = image.target != VOID
    true, predicted = image.target[is_scored], image.prediction[is_scored]
    return float(np.mean([
        ((true == number) & (predicted == number)).sum() / ((true == number) | (predicted == number)).sum()
        for number in np.unique(true)
    ]))  # fmt: skip


@pytest.mark.parametrize(("worst", "num_worst"), [(0.05, 2), (0.001, 1), (0.25, 10), (1, 41)])
def test_the_worst_images_are_the_share_asked_for(worst: float, num_worst: int, counts: dict[str, Counts]) -> None:
    of_images = sorted(map(image_miou, IMAGES))
    ours = ImageMiou(worst).scores(counts, None, CLASSES)
    assert ours["image_miou"][0] == pytest.approx(np.mean(of_images))
    assert ours[f"image_miou_worst_{100 * worst:g}_percent"][0] == pytest.approx(np.mean(of_images[:num_worst]))


@pytest.mark.parametrize("worst", [0, -0.1, 1.1])
def test_a_share_of_images_that_is_none_is_refused(worst: float) -> None:
    with pytest.raises(
        ValueError, match=rf"metric.image_miou.worst is {worst}; allowed: a share of the images, above 0"
    ):
        ImageMiou(worst)


def test_every_object_weighs_as_much_as_an_average_one(counts: dict[str, Counts]) -> None:
    """The definition of iIoU, with a loop over all objects of all images."""
    ours = Instances().scores(counts, None, CLASSES)
    for name in ("car", "person"):
        number = CLASSES.names.index(name)
        (label,) = (label for label in CITYSCAPES.labels if label.name == name)
        hit = whole = false_alarms = 0.0
        for image in IMAGES:
            assert image.instances is not None
            for each in np.unique(image.instances[image.instances // 1000 == label.id]):
                inside = image.instances == each
                weight = AVERAGE_SIZE[name] / inside.sum()
                hit += weight * (image.prediction[inside] == number).sum()
                whole += weight * inside.sum()
            wrong = (image.target != number) & (image.target != VOID)
            false_alarms += (image.prediction[wrong] == number).sum()
        assert ours[f"iiou/{name}"][0] == pytest.approx(hit / (whole + false_alarms), rel=1e-6)
    assert np.isnan(ours["iiou/road"][0])


AVERAGE_SIZE = {"person": 3462.4756337644, "car": 12794.0202738185}
"""Pixels, from the evaluator of Cityscapes."""


def test_images_without_objects_are_not_counted() -> None:
    assert Instances().count(without_objects(IMAGES[0])) == {}
