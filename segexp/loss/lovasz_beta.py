"""Lovász extension of the IoU under a Beta law of the threshold."""

from collections.abc import Sequence

from scipy import stats
from torch import nn

from segexp.loss.engine.class_average import Classes
from segexp.loss.engine.threshold_iou import ThresholdIoU
from segexp.types import Logits, Scalar, Target


class LovaszBeta(nn.Module):
    """1 - the mean of IoU{p > t} over t ~ Beta(a, b), averaged over classes, on the valid pixels of the global batch.

    a, b: > 0. (1, 1) is `lovasz`. Above 1 pixels near t = (a - 1) / (a + b - 2) count most and certain ones little, so
    that a class the network gives up on (p near 0 where it is true) gets hardly any gradient; below 1 certain pixels
    count most. classes, class_weights, per_image, momentum, bins: see ThresholdIoU.
    """

    def __init__(
        self,
        num_classes: int,
        a: float,
        b: float,
        classes: Classes = "present",
        class_weights: Sequence[float] | None = None,
        per_image: bool = False,
        momentum: float = 0.0,
        bins: int = 1024,
    ) -> None:
        super().__init__()
        if min(a, b) <= 0:
            raise ValueError(f"lovasz_beta: a is {a}, b is {b}; both must be above 0; set loss.a and loss.b")
        law = stats.beta(a, b)
        self.iou = ThresholdIoU(num_classes, law, False, classes, class_weights, per_image, momentum, bins)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns 0..1."""
        return self.iou(logits, target)
