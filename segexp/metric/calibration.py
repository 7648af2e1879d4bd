"""Counts for the calibration error: does a network that is 90 % sure err on 10 % of the pixels?"""

import torch
from jaxtyping import Int64
from torch import Tensor

from segexp.types import VOID, Logits, Target

NUM_BINS = 15
UNIT = 2**24
"""Confidences are summed as whole multiples of 1 / UNIT, so that the order of adding does not change the sum."""


def calibration_counts(logits: Logits, predicted: Target, target: Target) -> Int64[Tensor, "bins 3"]:
    """Count the scored pixels of each bin of confidence: all, those that are right, and their confidence * UNIT.

    The confidence is the probability of the predicted class; bin b holds [b, b + 1) / NUM_BINS.
    """
    confidence = (logits.amax(1) - logits.logsumexp(1)).exp().flatten().double()
    scored = (target != VOID).flatten()
    bins = (confidence * NUM_BINS).long().clamp_(0, NUM_BINS - 1)
    bins[~scored] = NUM_BINS
    right = (predicted == target).flatten().double()
    counts = [torch.bincount(bins, weights, NUM_BINS + 1) for weights in (None, right, (confidence * UNIT).round())]
    return torch.stack([count[:NUM_BINS].long() for count in counts], -1)
