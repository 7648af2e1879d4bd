"""Focal loss: cross-entropy in which pixels that are right already count less."""

import torch
from torch import nn

from segexp.loss.engine.pixels import check_inputs, negative_log_likelihood
from segexp.loss.engine.reduction import global_mean
from segexp.types import VOID, Logits, Scalar, Target


class Focal(nn.Module):
    """Mean over the valid pixels of the global batch of -(1 - p)^gamma log p, p the softmax of the true class.

    gamma: 0 is cross-entropy; the larger, the less an easy pixel weighs. Raises ValueError below 0.
    Source: Lin et al. 2017, arXiv:1708.02002, eq. 4, with softmax for sigmoid and without alpha.
    segmentation-models-pytorch's FocalLoss takes a sigmoid per class even for mode="multiclass" (smp#671), so its
    gamma = 0 is not cross-entropy, and a batch of only void gives NaN.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if gamma < 0:
            raise ValueError(f"focal: gamma is {gamma}; allowed: 0 (cross-entropy) or more; set loss.gamma")
        self.gamma = gamma

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target)
        loss = negative_log_likelihood(logits, target)
        error = -torch.expm1(-loss)  # 1 - p without cancellation
        error = error.clamp(min=1e-12)  # at exactly 0 a gamma below 1 has no gradient
        return global_mean((error**self.gamma * loss).sum(), (target != VOID).sum(), self.training)
