"""Soft IoU, Dice and Tversky against their sums, and against segmentation-models-pytorch."""

import pytest
import torch
from segmentation_models_pytorch import losses
from torch import nn

from segexp.loss.dice import Dice
from segexp.loss.soft_iou import SoftIoU
from segexp.loss.tversky import Tversky
from segexp.types import VOID
from tests.loss.oracles import random_batch

OTHERS = {"mode": "multiclass", "ignore_index": VOID}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SoftIoU(4), losses.JaccardLoss(**OTHERS)),
        (Dice(4), losses.DiceLoss(**OTHERS)),
        (Tversky(4, 0.3, 0.7), losses.TverskyLoss(**OTHERS, alpha=0.3, beta=0.7)),
    ],
)
def test_region_losses_are_those_others_wrote(ours: nn.Module, theirs: nn.Module) -> None:
    logits, target = random_batch(4, 300, 2.0)
    torch.testing.assert_close(ours(logits, target), theirs(logits, target))


def test_soft_iou_follows_the_formula() -> None:
    logits, target = random_batch(3, 50)
    valid = target != VOID
    true = torch.nn.functional.one_hot(target[valid].long(), 3)
    probability = logits.softmax(1).movedim(1, -1)[valid]  # pixel c
    iou = (true * probability).sum(0) / (true + probability - true * probability).sum(0)
    torch.testing.assert_close(SoftIoU(3)(logits, target), 1 - iou.mean())


def test_soft_iou_is_one_minus_miou_for_hard_predictions() -> None:
    prediction = torch.tensor([[[0, 0, 1, 1, 2]]])
    target = torch.tensor([[[0, 1, 1, VOID, 2]]], dtype=torch.uint8)
    logits = 200.0 * torch.nn.functional.one_hot(prediction, 3).float().movedim(-1, 1)
    assert float(SoftIoU(3)(logits, target)) == pytest.approx(1 - (1 / 2 + 1 / 2 + 1) / 3)


def test_tversky_without_any_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha is 0, beta is 0") as error:
        Tversky(3, 0, 0)
    assert "not both 0" in str(error.value)
