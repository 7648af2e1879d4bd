"""Lovász-Softmax: the Jaccard loss of the pixels whose error exceeds a threshold, averaged over thresholds."""

from typing import Unpack

from torch import nn

from segexp.loss.engine.distribution import ThresholdDistribution
from segexp.loss.engine.threshold_iou import ThresholdIoU, ThresholdOptions
from segexp.types import Logits, Scalar, Target


class LovaszSoftmax(nn.Module):
    """Mean over a threshold t of the Jaccard loss if exactly the pixels with |1[y=c] - p| > t were wrong.

    Averaged over classes, on the valid pixels of the global batch. distribution: of t on [0, 1], any frozen one of
    scipy.stats; the uniform one is the published loss. options: see ThresholdOptions. Returns a value in [0, 1].
    Source: Berman et al. 2018, arXiv:1705.08790, Alg. 1; counted in bins instead of sorted (docs/losses.md).
    segmentation-models-pytorch's LovaszLoss returns [0, C] instead of a scalar for a batch of only void, sorts in half
    precision under half logits, knows no other ranks, and takes the time of a sort per class.
    """

    def __init__(
        self, num_classes: int, distribution: ThresholdDistribution, **options: Unpack[ThresholdOptions]
    ) -> None:
        super().__init__()
        self.iou = ThresholdIoU(num_classes, distribution, by_error=True, **options)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.iou(logits, target)
