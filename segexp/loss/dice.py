"""Dice loss: the F1 score of each class with probabilities for predictions."""

from typing import Unpack

from torch import nn

from segexp.loss.engine.averaging import AveragingOptions
from segexp.loss.engine.region import RegionLoss
from segexp.types import Logits, Scalar, Target


class Dice(nn.Module):
    """1 - 2 sum of y p / sum of (y + p) over the valid pixels of the global batch, averaged over classes, in [0, 1].

    y is 1 where the class is true, p its softmax. averaging: see AveragingOptions.
    Source: Milletari et al. 2016, arXiv:1606.04797, without the squares. segmentation-models-pytorch's DiceLoss counts
    an absent class as perfect in the mean, sums in half precision under half logits, and does not know other ranks.
    """

    def __init__(self, num_classes: int, **averaging: Unpack[AveragingOptions]) -> None:
        super().__init__()
        self.region = RegionLoss(num_classes, alpha=0.5, beta=0.5, **averaging)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.region(logits, target)
