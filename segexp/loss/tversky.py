"""Tversky loss: Dice in which a false alarm and a miss may cost differently."""

from typing import Unpack

from torch import nn

from segexp.loss.engine.averaging import AveragingOptions
from segexp.loss.engine.region import RegionLoss
from segexp.types import Logits, Scalar, Target


class Tversky(nn.Module):
    """1 - TP / (TP + alpha FP + beta FN) over the valid pixels of the global batch, averaged over classes, in [0, 1].

    TP, FP, FN are sums of probabilities. alpha, beta: cost of a false alarm and of a miss, >= 0; 1/2 each is Dice, 1
    each soft IoU. averaging: see AveragingOptions.
    Source: Salehi et al. 2017, arXiv:1706.05721. segmentation-models-pytorch's TverskyLoss counts an absent class as
    perfect in the mean, sums in half precision under half logits, and does not know other ranks.
    """

    def __init__(self, num_classes: int, alpha: float, beta: float, **averaging: Unpack[AveragingOptions]) -> None:
        super().__init__()
        self.region = RegionLoss(num_classes, alpha, beta, **averaging)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.region(logits, target)
