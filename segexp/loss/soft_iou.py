"""Soft IoU: intersection over union with probabilities for predictions."""

from typing import Unpack

from torch import nn

from segexp.loss.engine.averaging import AveragingOptions
from segexp.loss.engine.region import RegionLoss
from segexp.types import Logits, Scalar, Target


class SoftIoU(nn.Module):
    """1 - sum of y p / sum of (y + p - y p) over the global batch's valid pixels, averaged over classes, in [0, 1].

    y is 1 where the class is true, p its softmax. averaging: see AveragingOptions.
    Source: Rahman and Wang 2016, ISVC. segmentation-models-pytorch's JaccardLoss counts an absent class as perfect in
    the mean, sums in half precision under half logits, and knows neither the other ranks nor momentum.
    """

    def __init__(self, num_classes: int, **averaging: Unpack[AveragingOptions]) -> None:
        super().__init__()
        self.region = RegionLoss(num_classes, alpha=1.0, beta=1.0, **averaging)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.region(logits, target)
