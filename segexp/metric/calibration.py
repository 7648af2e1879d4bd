"""Does a network that is 90 % sure err on 10 % of the pixels? Counts from which the calibration error is derived."""

import torch
from jaxtyping import Int64
from torch import Tensor

from segexp.types import VOID, Logits, Target

NUM_BINS = 15
UNIT = 2**24
"""Confidences are summed in whole steps of this fineness: a sum that no order of adding changes."""


def calibration_counts(logits: Logits, predicted: Target, target: Target) -> Int64[Tensor, "bins 3"]:
    """Of the scored pixels of each bin of confidence: their number, how many are right, summed confidence * UNIT.

    The confidence is the probability of the predicted class; bin b holds those in [b, b + 1) / NUM_BINS.
    """
    confidence = (logits.amax(1) - logits.logsumexp(1)).exp().flatten().double()
    scored = (target != VOID).flatten()
    bins = (confidence * NUM_BINS).long().clamp_(0, NUM_BINS - 1)
    bins[~scored] = NUM_BINS
    right = (predicted == target).flatten().double()
    counts = [torch.bincount(bins, weights, NUM_BINS + 1) for weights in (None, right, (confidence * UNIT).round())]
    return torch.stack([count[:NUM_BINS].long() for count in counts], -1)
