"""Dice loss: the F1 score of each class with probabilities for predictions."""

from collections.abc import Sequence

from torch import nn

from segexp.loss.engine.class_average import Classes
from segexp.loss.engine.region import RegionLoss
from segexp.types import Logits, Scalar, Target


class Dice(nn.Module):
    """1 - 2 sum of y p / sum of (y + p) over the valid pixels of the global batch, averaged over classes.

    y is 1 where the class is true, p its softmax.
    classes: present | all | list of indices. class_weights: one per class. per_image: each image by itself.
    momentum: of the sums over batches, 0 <= momentum < 1.
    Source: Milletari et al. 2016, arXiv:1606.04797, without the squares. segmentation-models-pytorch's DiceLoss counts
    an absent class as perfect in the mean, sums in half precision under half logits, and does not know other ranks.
    """

    def __init__(
        self,
        num_classes: int,
        classes: Classes = "present",
        class_weights: Sequence[float] | None = None,
        per_image: bool = False,
        momentum: float = 0.0,
    ) -> None:
        super().__init__()
        self.region = RegionLoss(num_classes, 0.5, 0.5, classes, class_weights, per_image, momentum)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns 0..1."""
        return self.region(logits, target)
