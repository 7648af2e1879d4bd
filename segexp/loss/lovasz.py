"""Lovász extension of the IoU: the IoU of the pixels above a threshold, averaged over thresholds."""

from collections.abc import Sequence

from torch import nn

from segexp.loss.engine.class_average import Classes
from segexp.loss.engine.law import Law
from segexp.loss.engine.threshold_iou import ThresholdIoU
from segexp.types import Logits, Scalar, Target


class Lovasz(nn.Module):
    """1 - the mean of IoU{p > t} over a threshold t, averaged over classes, on the valid pixels of the global batch.

    law: distribution of t on [0, 1], any frozen law of scipy.stats; the uniform one gives the Lovász extension, that is
    the sum of (p_n - p_n+1) IoU(first n pixels) over the pixels sorted by p.
    classes, class_weights, per_image, momentum, bins: see ThresholdIoU.
    This is not Lovász-Softmax, which sorts by errors: there a pixel of another class is as wrong as it is likely, here
    the prediction is a set, and its IoU is what the metric computes at that threshold. The code published with Berman
    et al. and segmentation-models-pytorch have the error form only; see LovaszSoftmax for what is wrong there.
    """

    def __init__(
        self,
        num_classes: int,
        law: Law,
        classes: Classes = "present",
        class_weights: Sequence[float] | None = None,
        per_image: bool = False,
        momentum: float = 0.0,
        bins: int = 1024,
    ) -> None:
        super().__init__()
        self.iou = ThresholdIoU(num_classes, law, False, classes, class_weights, per_image, momentum, bins)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns 0..1."""
        return self.iou(logits, target)
