"""The softmax as one-vs-rest logits log p/(1 - p), exact for certain pixels, and the gradient back through it."""

import torch
from jaxtyping import Float
from torch import Tensor

from segexp.loss.engine.chunks import ClassByPixel

SMALLEST_EXPONENT = -60.0  # exp of it is nothing beside 1; exp is slow where it gets near the smallest float32
ByPixel = Float[Tensor, " pixel"]


def one_vs_rest(
    scores: ClassByPixel, precise: bool, scratch: ClassByPixel, out: ClassByPixel, log_total: ByPixel
) -> ClassByPixel:
    """Compute the one-vs-rest logit log p/(1 - p) of each class from logits in float32, finite or -inf.

    p: their softmax. precise: whether the loss depends on p above 1 - 1e-5; then p near 1 is computed as exactly as p
    near 0. log_total: gets what the logits exceed log p by; NaN if one of them is NaN. Overwrites scratch.
    out: for the result; may be the memory of the scores.
    """
    largest = scores.amax(0).clamp_(min=torch.finfo(scores.dtype).min)
    difference = torch.sub(scores, largest, out=out).clamp_(min=SMALLEST_EXPONENT)
    odds = torch.exp(difference, out=scratch)  # p over the largest p
    total = odds.sum(0, dtype=torch.float64 if precise else None)
    torch.add(total.log().float(), largest, out=log_total)
    if precise:
        others = torch.sub(1, odds, out=odds).add_(total.sub_(1).clamp_(min=0).float())
    else:
        others = torch.sub(total, odds, out=odds)
    return difference.sub_(others.log_())


def probability(scores: ClassByPixel, log_total: ByPixel, out: ClassByPixel) -> ClassByPixel:
    """Compute the softmax into `out` from logits in float32, whose memory it may be."""
    return torch.sub(scores, log_total, out=out).clamp_(min=SMALLEST_EXPONENT).exp_()


def logit_gradient(
    probability: ClassByPixel, slope: ClassByPixel, precise: bool, out: ClassByPixel | None = None
) -> ClassByPixel:
    """Compute the gradient with respect to the logits of the network; overwrites slope.

    slope: gradient with respect to the probabilities.
    precise: whether slopes may be large where p is near 1, where two nearly equal ones would be subtracted; then all
    slopes of a pixel are taken relative to that of its likely class.
    """
    if precise:
        slope.sub_((slope * (probability > 0.5)).sum(0))
    weighted = slope.mul_(probability)
    return torch.addcmul(weighted, probability, weighted.sum(0), value=-1, out=out)
