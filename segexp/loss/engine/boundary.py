"""Boundaries between classes: which pixels are at one, and the loss of a network's logits for it."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from segexp.loss.engine.pixels import in_plain_float32
from segexp.loss.engine.reduction import global_sum
from segexp.types import VOID, Scalar, Target

BoundaryLogits = Float[Tensor, "batch 1 height width"]
"""Of the probability that a pixel is at a boundary."""
RADIUS = 2
"""Half the width of a boundary in pixels."""
CERTAIN = math.log(0.8 / 0.2)
"""Logit above which a pixel is taken to be at a boundary: a probability of 0.8, as in PIDNet."""


def at_boundary(target: Target) -> Bool[Tensor, "batch height width"]:
    """Whether a pixel has one of another class at most RADIUS away in both directions; void pixels are of no class."""
    void, classes = target == VOID, target.float()
    size = 2 * RADIUS + 1
    largest = F.max_pool2d(classes.masked_fill(void, -1)[:, None], size, 1, RADIUS)
    smallest = -F.max_pool2d((-classes).masked_fill(void, -VOID - 1)[:, None], size, 1, RADIUS)
    return (largest != smallest)[:, 0] & ~void


def boundary_loss(logits: BoundaryLogits, target: Target, training: bool) -> Scalar:
    """Binary cross-entropy of the valid pixels of the global batch, in which the few at boundaries weigh more.

    A pixel at a boundary weighs the share of the pixels that are at none, and the other way round. The weighted sum is
    divided by the number of pixels; 0 if all are void, or none or all are at a boundary.
    training: whether ranks share a batch, see `segexp.loss.engine.reduction`.
    Raises ValueError for logits of more than one channel.
    Source: Xie and Tu 2015, arXiv:1504.06375, Eq. 2, as PIDNet uses it (Xu et al. 2023, arXiv:2206.02066). There
    boundaries are found by an edge detector, and void is a class.
    """
    if logits.shape[1:] != (1, *target.shape[1:]):
        raise ValueError(
            f"loss: boundary logits {list(logits.shape)} and target {list(target.shape)} do not fit together; "
            "allowed: boundary logits [B, 1, H, W] and target [B, H, W]; give the boundary head one channel"
        )
    at_one = at_boundary(target)
    at_none = (target != VOID) & ~at_one
    loss = F.binary_cross_entropy_with_logits(in_plain_float32(logits)[:, 0], at_one.float(), reduction="none")
    sums = [torch.where(pixels, loss, 0).sum() for pixels in (at_one, at_none)]
    counts = [pixels.sum().float() for pixels in (at_one, at_none)]
    of_one, of_none, num_one, num_none = global_sum(torch.stack([*sums, *counts]), training)
    num_pixels = (num_one + num_none).clamp(min=1)
    return (num_none / num_pixels * of_one + num_one / num_pixels * of_none) / num_pixels


def where_certain(target: Target, logits: BoundaryLogits) -> Target:
    """The target with all pixels void but those that the network takes to be at a boundary."""
    return target.masked_fill(logits.detach()[:, 0] <= CERTAIN, VOID)
