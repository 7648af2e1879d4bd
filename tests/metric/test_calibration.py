"""The expected calibration error, held against torchmetrics'."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from segexp.metric.calibration import NUM_BINS, UNIT, Calibration, calibration_counts
from segexp.metric.confusion import prediction
from segexp.metric.metric import Classes
from segexp.types import VOID
from tests.metric.test_confusion import random_batch


def counts(logits: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    return calibration_counts(logits, prediction(logits), target).numpy()


def calibration_error(bins: np.ndarray) -> float:
    return float(Calibration().scores({"calibration": bins[None]}, None, Classes((), (), (), ()))["ece"][0])


@pytest.mark.parametrize("certainty", [0.1, 1, 5])
def test_the_error_equals_torchmetrics(certainty: float) -> None:
    logits, target = random_batch(7)
    flat = (certainty * logits).softmax(1).movedim(1, -1).flatten(0, 2), target.flatten().long()
    theirs = multiclass_calibration_error(*flat, num_classes=7, n_bins=NUM_BINS, ignore_index=VOID)
    ours = calibration_error(counts(certainty * logits, target))
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_counts_of_single_images_sum_to_those_of_all_bit_for_bit() -> None:
    logits, target = random_batch(7)
    single = [counts(logits[[number]], target[[number]]) for number in (1, 0)]
    assert np.array_equal(sum(single), counts(logits, target))


def test_certain_logits_fall_into_the_last_bin() -> None:
    logits = torch.zeros(1, 3, 2, 2)
    logits[:, 1] = 1e4
    bins = counts(logits, torch.ones(1, 2, 2, dtype=torch.uint8))
    assert bins[-1].tolist() == [4, 4, 4 * UNIT]
    assert bins[:-1].sum() == 0


def test_only_void_has_no_error() -> None:
    bins = counts(torch.randn(1, 3, 4, 4), torch.full((1, 4, 4), VOID, dtype=torch.uint8))
    assert np.isnan(calibration_error(bins))
