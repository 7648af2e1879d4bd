"""Counting pixels, held against torchmetrics' own confusion matrix and scores."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
)

from segexp.metric import scores
from segexp.metric.confusion import confusion_matrix, prediction, resize_logits
from segexp.metric.confusion_metric import ConfusionMetric
from segexp.types import VOID


def random_batch(num_classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, num_classes, 17, 23, generator=generator)
    target = torch.randint(0, num_classes, (2, 17, 23), generator=generator).to(torch.uint8)
    target[torch.rand(target.shape, generator=generator) < 0.2] = VOID
    return logits, target


@pytest.mark.parametrize("num_classes", [2, 19, 34, 253])
def test_counts_equal_torchmetrics(num_classes: int) -> None:
    logits, target = random_batch(num_classes)
    ours = confusion_matrix(prediction(logits), target, num_classes)
    theirs = multiclass_confusion_matrix(logits, target.long(), num_classes, ignore_index=VOID)
    assert ours.dtype == torch.int64
    assert torch.equal(ours, theirs)


def test_prediction_equals_argmax_in_any_memory_format() -> None:
    logits, _ = random_batch(19)
    assert torch.equal(prediction(logits).long(), logits.argmax(1))
    assert torch.equal(prediction(logits.to(memory_format=torch.channels_last)).long(), logits.argmax(1))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_a_target_of_any_type_and_layout_counts_the_same_and_stays_as_it_was(dtype: torch.dtype) -> None:
    logits, target = random_batch(19)
    expected = confusion_matrix(prediction(logits), target, 19)
    for each in (target.to(dtype), target.to(dtype).mT.contiguous().mT):
        version = each._version
        assert torch.equal(confusion_matrix(prediction(logits), each, 19), expected)
        assert each._version == version
        assert torch.equal(each, target.to(dtype))


@pytest.mark.parametrize("size", [(17, 23), (9, 40)])
def test_predicting_and_resizing_leave_logits_as_they_were(size: tuple[int, int]) -> None:
    logits, _ = random_batch(19)
    expected, content = resize_logits(logits, size), logits.clone()
    for each in (logits, logits.to(memory_format=torch.channels_last), logits.mT.contiguous().mT):
        version = each._version
        torch.testing.assert_close(resize_logits(each, size), expected)
        assert torch.equal(prediction(each), prediction(content))
        assert each._version == version
        assert torch.equal(each, content)


def test_only_void_counts_nothing() -> None:
    void = torch.full((1, 4, 4), VOID, dtype=torch.uint8)
    assert confusion_matrix(torch.zeros_like(void), void, 3).sum() == 0


def test_counting_works_under_deterministic_algorithms() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        logits, target = random_batch(5)
        assert confusion_matrix(prediction(logits), target, 5).sum() == (target != VOID).sum()
    finally:
        torch.use_deterministic_algorithms(False)


def test_metric_sums_over_batches_of_different_sizes() -> None:
    metric, total = ConfusionMetric(5), torch.zeros(5, 5, dtype=torch.int64)
    for seed, size in ((0, 17), (1, 9)):
        logits, target = random_batch(5, seed)
        metric.update(prediction(logits[..., :size]), target[..., :size])
        total += confusion_matrix(prediction(logits[..., :size]), target[..., :size], 5)
    assert torch.equal(metric.compute(), total)
    metric.reset()
    assert metric.counts.sum() == 0


def test_scores_equal_torchmetrics() -> None:
    logits, target = random_batch(7)
    confusion = confusion_matrix(prediction(logits), target, 7).numpy()
    options = {"num_classes": 7, "ignore_index": VOID, "average": "none"}
    for ours, theirs in (
        (scores.class_iou, multiclass_jaccard_index),
        (scores.class_dice, multiclass_f1_score),
        (scores.class_accuracy, multiclass_accuracy),
        (scores.class_precision, multiclass_precision),
    ):
        flat = logits.movedim(1, -1).flatten(0, 2), target.flatten().long()
        np.testing.assert_allclose(ours(confusion), theirs(*flat, **options).numpy(), atol=1e-6)


def test_an_absent_class_is_nan_and_left_out_of_the_mean() -> None:
    confusion = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    iou = scores.class_iou(confusion)
    assert np.isnan(iou[2])
    assert scores.mean(iou) == pytest.approx((3 / 4 + 4 / 5) / 2)


def test_a_class_that_is_predicted_but_absent_scores_zero() -> None:
    assert scores.class_iou(np.array([[3, 1], [0, 0]]))[1] == 0


def test_nothing_scored_is_nan_everywhere() -> None:
    empty = np.zeros((3, 3), np.int64)
    assert np.isnan(scores.mean(scores.class_iou(empty)))
    assert np.isnan(scores.pixel_accuracy(empty))


def test_merging_classes_is_counting_with_merged_labels() -> None:
    logits, target = random_batch(5)
    groups = ("a", "b", "a", None, "b")
    number = torch.tensor([0, 1, 0, VOID, 1] + [VOID] * 251, dtype=torch.uint8)
    names, merged = scores.merge_classes(confusion_matrix(prediction(logits), target, 5).numpy(), groups)
    coarse = confusion_matrix(number[prediction(logits).long()], number[target.long()], 2)
    assert names == ("a", "b")
    assert np.array_equal(merged, coarse.numpy())


def test_majority_class_miou_is_that_of_the_most_frequent_class_everywhere() -> None:
    confusion = np.array([[5, 1], [2, 2]])
    assert scores.majority_class_miou(confusion) == pytest.approx((6 / 10 + 0) / 2)


def test_all_scores_hold_categories_only_where_they_are_coarser() -> None:
    confusion = np.diag([4, 3, 2])
    fine = scores.all_scores(confusion, ("car", "bus", "sky"), ("vehicle", "vehicle", "sky"))
    assert fine["category_iou/vehicle"] == 1
    assert fine["iou/bus"] == 1
    assert "category_miou" not in scores.all_scores(confusion, ("a", "b", "c"), ("a", "b", "c"))
    assert "category_miou" not in scores.all_scores(confusion, ("a", "b", "c"), ("x", "x", None))


def test_logits_are_resized_to_the_target_only_if_they_must_be() -> None:
    logits, target = random_batch(3)
    assert resize_logits(logits, target.shape[-2:]) is logits
    assert resize_logits(logits[..., ::2, ::2], target.shape[-2:]).shape[-2:] == target.shape[-2:]
