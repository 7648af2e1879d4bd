"""Lovász extension of the IoU: the IoU of the pixels above a threshold, averaged over thresholds."""

from typing import Unpack

from torch import nn

from segexp.loss.engine.distribution import ThresholdDistribution
from segexp.loss.engine.threshold_iou import ThresholdIoU, ThresholdOptions
from segexp.types import Logits, Scalar, Target


class Lovasz(nn.Module):
    """1 - the mean of IoU{p > t} over a threshold t, averaged over classes, on the valid pixels of the global batch.

    distribution: of t on [0, 1], any frozen one of scipy.stats; the uniform one gives the Lovász extension, that is
    the sum of (p_n - p_n+1) IoU(first n pixels) over the pixels sorted by p. options: see ThresholdOptions.
    Returns a value in [0, 1].
    This is not Lovász-Softmax, which sorts by errors: there a pixel of another class is as wrong as it is likely, here
    the prediction is a set, and its IoU is what the metric computes at that threshold. The code published with Berman
    et al. and segmentation-models-pytorch have the error form only; see LovaszSoftmax for what is wrong there.
    """

    def __init__(
        self, num_classes: int, distribution: ThresholdDistribution, **options: Unpack[ThresholdOptions]
    ) -> None:
        super().__init__()
        self.iou = ThresholdIoU(num_classes, distribution, by_error=False, **options)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return self.iou(logits, target)
