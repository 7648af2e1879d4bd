"""Lovász-Softmax: the Jaccard loss of the pixels whose error exceeds a threshold, averaged over thresholds."""

from collections.abc import Sequence

from torch import nn

from segexp.loss.engine.class_average import Classes
from segexp.loss.engine.law import Law
from segexp.loss.engine.threshold_iou import ThresholdIoU
from segexp.types import Logits, Scalar, Target


class LovaszSoftmax(nn.Module):
    """Mean over a threshold t of the Jaccard loss of taking the pixels with |1[y=c] - p| > t for mistaken.

    Averaged over classes, on the valid pixels of the global batch. law: distribution of t on [0, 1], any frozen law of
    scipy.stats; the uniform one is the published loss. classes, class_weights, per_image, momentum, bins: see
    ThresholdIoU.
    Source: Berman et al. 2018, arXiv:1705.08790, Alg. 1; counted in bins instead of sorted (docs/losses.md).
    segmentation-models-pytorch's LovaszLoss returns [0, C] instead of a scalar for a batch of only void, sorts in half
    precision under half logits, knows no other ranks, and takes the time of a sort per class.
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
        self.iou = ThresholdIoU(num_classes, law, True, classes, class_weights, per_image, momentum, bins)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns 0..1."""
        return self.iou(logits, target)
