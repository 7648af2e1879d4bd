"""Cross-entropy in which rare classes weigh more."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from segexp.loss.engine.pixels import check_inputs, check_label_smoothing, negative_log_likelihood
from segexp.loss.engine.reduction import global_mean
from segexp.system.precise import Precise
from segexp.types import Logits, Scalar, Target

WEIGHTINGS = ("none", "inverse_frequency", "median_frequency", "effective_number")


class WeightedCrossEntropy(Precise):
    """Sum of w_c (-log p) over the valid pixels of the global batch divided by the sum of their w_c, as torch does.

    class_counts, class_extents: training pixels of each class, and scored pixels of the training images that hold it;
        `segexp.build` passes them, as it passes num_classes.
    weighting: one of WEIGHTINGS, see `class_weights`. beta: for effective_number only, in [0, 1).
    weights: of each class, >= 0, in place of those of `weighting`; None for these.
    label_smoothing: share of the loss that is the weighted mean over all classes instead, in [0, 1).
    Only the ratios of weights matter, since the sum of weights divides.
    Raises ValueError for values that are not allowed.
    """

    pixel_weight: Tensor

    def __init__(
        self,
        num_classes: int,
        class_counts: list[int],
        class_extents: list[int],
        weighting: str,
        beta: float = 0.9999999,
        weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        if len(class_counts) != num_classes:
            raise ValueError(
                f"weighted_cross_entropy: {len(class_counts)} class counts for {num_classes} classes; "
                "count the training pixels with the grouping that is trained"
            )
        self.num_classes, self.label_smoothing = num_classes, label_smoothing
        if weights is None:
            weights = class_weights(class_counts, class_extents, weighting, beta)
        else:
            _check_weights(weights, num_classes)
        by_target = torch.zeros(256, dtype=torch.float32)  # indexed by the target's byte: VOID weighs nothing
        by_target[:num_classes] = torch.tensor(weights, dtype=torch.float32)
        self.register_buffer("pixel_weight", by_target, persistent=False)  # follows from the data, not from training

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target, self.num_classes)
        weight = self.pixel_weight[target.long()]
        by_class = self.pixel_weight[: self.num_classes]
        loss = negative_log_likelihood(logits, target, by_class, self.label_smoothing)
        return global_mean(loss.sum(), weight.sum(), self.training)


def class_weights(class_counts: list[int], class_extents: list[int], weighting: str, beta: float) -> list[float]:
    """Compute one weight per class, scaled to a mean of 1 over the classes seen; 0 for a class without training pixels.

    none: 1 for every class, seen or not.
    inverse_frequency: 1 / n_c, n_c the number of training pixels.
    median_frequency: median of f over f_c, f_c = n_c / (pixels of the images that hold the class) (Eigen and Fergus
        2015, arXiv:1411.4734): a class that is rare because few images have it weighs less than by inverse_frequency.
    effective_number: (1 - beta) / (1 - beta^n_c) (Cui et al. 2019, arXiv:1901.05555); beyond about 1 / (1 - beta)
        pixels more of them change nothing, so beta near 0 is none and beta near 1 is inverse_frequency.
    Raises ValueError for another weighting, no pixel at all, or beta outside [0, 1).
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(
            f"weighted_cross_entropy: weighting is {weighting!r}; allowed: {list(WEIGHTINGS)}; set loss.weighting"
        )
    if not 0 <= beta < 1:
        raise ValueError(f"weighted_cross_entropy: beta is {beta}; allowed: 0 <= beta < 1; set loss.beta")
    if not any(class_counts):
        raise ValueError(
            "weighted_cross_entropy: no class has a training pixel; choose the grouping (classes=) whose labels the "
            "training masks hold, and check data.root"
        )
    if weighting == "none":
        return [1.0] * len(class_counts)
    pairs = zip(class_counts, class_extents, strict=True)
    weights = [_weight(count, extent, weighting, beta) if count else 0.0 for count, extent in pairs]
    scale = sum(map(bool, class_counts)) / sum(weights)
    return [scale * weight for weight in weights]


def _check_weights(weights: Sequence[float], num_classes: int) -> None:
    are_numbers = all(isinstance(each, int | float) and 0 <= each < math.inf for each in weights)
    if len(weights) != num_classes or not are_numbers or not any(weights):
        raise ValueError(
            f"weighted_cross_entropy: weights is {list(weights)}; allowed: one number >= 0 for each of {num_classes} "
            "classes, not all 0, or null; set loss.weights"
        )


def _weight(count: int, extent: int, weighting: str, beta: float) -> float:
    if weighting == "median_frequency":
        return extent / count  # the median is a factor that all classes share, and the scale is set afterwards
    if weighting == "effective_number" and beta > 0:
        return (1 - beta) / -math.expm1(count * math.log(beta))  # 1 - beta^n loses its digits for beta near 1
    return 1.0 if weighting == "effective_number" else 1.0 / count
