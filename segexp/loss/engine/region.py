"""Losses of a ratio of soft counts per class: soft IoU, Dice, Tversky."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segexp.loss.engine.class_average import ClassAverage, Classes
from segexp.loss.engine.momentum import RunningAverage
from segexp.loss.engine.pixels import check_inputs
from segexp.loss.engine.reduction import global_sum
from segexp.types import VOID, Logits, Scalar, Target

ByClass = Float[Tensor, "group num_classes"]
TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES = 0, 1, 2


class RegionLoss(nn.Module):
    """1 - TP / (TP + alpha FP + beta FN) averaged over classes, the counts being sums of probabilities.

    Per class over the valid pixels of a group: TP the sum of p where the class is true, FP of p where it is not, FN of
    1 - p where it is true. alpha = beta = 1 is soft IoU, 1/2 Dice; larger beta punishes misses, larger alpha false
    alarms. classes, class_weights, per_image: see ClassAverage. momentum: see RunningAverage; not with per_image.
    With classes other than "present" a class that is nowhere true costs 1 and gives no gradient.
    Raises ValueError for what is not allowed.
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
        if min(alpha, beta) < 0 or alpha == beta == 0:
            raise ValueError(f"loss: alpha is {alpha}, beta {beta}; allowed are values >= 0, not both 0")
        if momentum and per_image:
            raise ValueError("loss: momentum remembers the counts of a batch and per_image has none; set one of them")
        self.num_classes, self.alpha, self.beta = num_classes, alpha, beta
        self.average = ClassAverage(num_classes, classes, class_weights, per_image)
        self.memory = RunningAverage((3, 1, num_classes), momentum)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W].

        Returns a float32 value in [0, 1]; 0 if every pixel is void.
        """
        check_inputs(logits, target, self.num_classes)
        counts = soft_counts(logits, target)
        if not self.average.per_image:
            total = global_sum(counts.sum(1, keepdim=True), self.training)
            counts = total + (self.memory(total.detach()) - total.detach())  # the gradient is that of this batch
        hits, false_positives, false_negatives = counts
        weight = self.average((hits + false_negatives).detach())
        size = hits + self.alpha * false_positives + self.beta * false_negatives
        loss = (weight * (1 - hits / torch.where(size > 0, size, 1))).sum()
        return global_sum(loss, self.training) if self.average.per_image else loss


def soft_counts(logits: Logits, target: Target) -> Float[Tensor, "kind batch num_classes"]:
    """True positives, false positives and false negatives, each a sum of probabilities, per image and class."""
    valid = (target != VOID).flatten(1)
    truth = target.flatten(1).long().where(valid, 0)[:, None]
    probability = logits.float().flatten(2).softmax(1) * valid[:, None]  # b c pixel
    own = probability.gather(1, truth)
    hits = probability.new_zeros(probability.shape[:2]).scatter_add(1, truth[:, 0], own[:, 0])
    missed = torch.zeros_like(hits).scatter_add(1, truth[:, 0], valid.float() - own[:, 0])
    return torch.stack([hits, probability.sum(2) - hits, missed])
