"""Losses of a ratio of soft counts per class: soft IoU, Dice, Tversky."""

from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segexp.loss.engine.averaging import AveragingOptions, averages
from segexp.loss.engine.pixels import check_inputs, in_plain_float32
from segexp.loss.engine.reduction import global_sum
from segexp.types import VOID, Logits, Scalar, Target


class RegionLoss(nn.Module):
    """1 - TP / (TP + alpha FP + beta FN) averaged over classes, the counts being sums of probabilities.

    Per class over the valid pixels of a group: TP is the sum of p where the class is true, FP of p where it is not, FN
    of 1 - p where it is true. alpha = beta = 1 is soft IoU, 1/2 Dice; larger beta punishes misses, larger alpha false
    alarms. averaging: see AveragingOptions.
    With classes other than "present" a class that is nowhere true costs 1 and gives no gradient.
    Raises ValueError for values that are not allowed.
    """

    def __init__(self, num_classes: int, alpha: float, beta: float, **averaging: Unpack[AveragingOptions]) -> None:
        super().__init__()
        if min(alpha, beta) < 0 or alpha == beta == 0:
            raise ValueError(
                f"loss: alpha is {alpha}, beta is {beta}; allowed: values >= 0, not both 0; set loss.alpha and "
                "loss.beta"
            )
        self.num_classes, self.alpha, self.beta = num_classes, alpha, beta
        self.average, self.memory = averages(num_classes, (3, 1, num_classes), **averaging)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target, self.num_classes)
        counts = soft_counts(logits, target)
        if not self.average.per_image:
            total = global_sum(counts.sum(1, keepdim=True), self.training)
            counts = total + (self.memory(total.detach()) - total.detach())  # the gradient is that of this batch
        true_positives, false_positives, false_negatives = counts
        weight = self.average((true_positives + false_negatives).detach())
        size = true_positives + self.alpha * false_positives + self.beta * false_negatives
        loss = (weight * (1 - true_positives / torch.where(size > 0, size, 1))).sum()
        return global_sum(loss, self.training) if self.average.per_image else loss


def soft_counts(logits: Logits, target: Target) -> Float[Tensor, "kind batch num_classes"]:
    """Sum probabilities to true positives, false positives and false negatives per image and class."""
    valid = (target != VOID).flatten(1)
    true_class = target.flatten(1).long().where(valid, 0)
    probability = in_plain_float32(logits).flatten(2).softmax(1) * valid[:, None]  # b c pixel
    of_true_class = probability.gather(1, true_class[:, None])[:, 0]
    true_positives = probability.new_zeros(probability.shape[:2]).scatter_add(1, true_class, of_true_class)
    missed = torch.zeros_like(true_positives).scatter_add(1, true_class, valid.float() - of_true_class)
    return torch.stack([true_positives, probability.sum(2) - true_positives, missed])
