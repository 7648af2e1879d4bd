"""Lovász extension of the IoU under a Beta distribution of the threshold."""

from typing import Unpack

from scipy import stats
from torch import nn

from segexp.loss.engine.threshold_iou import ThresholdIoU, ThresholdOptions
from segexp.types import Logits, Scalar, Target


class LovaszBeta(nn.Module):
    """1 - the mean of IoU{p > t} over t ~ Beta(a, b), averaged over classes, on the valid pixels of the global batch.

    a, b: > 0. (1, 1) is `lovasz`. Above 1 pixels near t = (a - 1) / (a + b - 2) count most and certain ones little, so
    that a class the network gives up on (p near 0 where it is true) gets hardly any gradient; below 1 certain pixels
    count most. options: see ThresholdOptions. Returns a value in [0, 1].
    """

    def __init__(self, num_classes: int, a: float, b: float, **options: Unpack[ThresholdOptions]) -> None:
        super().__init__()
        if min(a, b) <= 0:
            raise ValueError(f"lovasz_beta: a is {a}, b is {b}; allowed: values above 0; set loss.a and loss.b")
        self.iou = ThresholdIoU(num_classes, stats.beta(a, b), by_error=False, **options)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.iou(logits, target)
