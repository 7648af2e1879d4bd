"""Tversky loss: Dice in which a false alarm and a miss may cost differently."""

from collections.abc import Sequence

from torch import nn

from segexp.loss.engine.class_average import Classes
from segexp.loss.engine.region import RegionLoss
from segexp.types import Logits, Scalar, Target


class Tversky(nn.Module):
    """1 - TP / (TP + alpha FP + beta FN) over the valid pixels of the global batch, averaged over classes.

    TP, FP, FN are sums of probabilities. alpha, beta: cost of a false alarm and of a miss, >= 0; 1/2 each is Dice, 1
    each soft IoU. classes: present | all | list of indices. class_weights: one per class.
    per_image: each image by itself. momentum: of the sums over batches, 0 <= momentum < 1.
    Source: Salehi et al. 2017, arXiv:1706.05721. segmentation-models-pytorch's TverskyLoss counts an absent class as
    perfect in the mean, sums in half precision under half logits, and does not know other ranks.
    """

    def __init__(
        self,
        num_classes: int,
        alpha: float,
        beta: float,
        classes: Classes = "present",
        class_weights: Sequence[float] | None = None,
        per_image: bool = False,
        momentum: float = 0.0,
    ) -> None:
        super().__init__()
        self.region = RegionLoss(num_classes, alpha, beta, classes, class_weights, per_image, momentum)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns 0..1."""
        return self.region(logits, target)
