"""Counts for the calibration error: does a network that is 90 % sure err on 10 % of the pixels?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from segexp.metric.metric import Classes, Scores, SegmentedImage
from segexp.metric.sums import ratio, summed
from segexp.types import VOID, Counts, Floats, Logits, Target

if TYPE_CHECKING:
    from jaxtyping import Int64
    from torch import Tensor

NUM_BINS = 15
UNIT = 2**24
"""Confidences are summed as whole multiples of 1 / UNIT, so that the order of adding does not change the sum."""
PIXELS, RIGHT, CONFIDENCE = range(3)


class Calibration:
    """ece, the expected calibration error: the gap of confidence and accuracy, averaged by the pixels of each bin.

    Source: Naeini et al. 2015, AAAI, with NUM_BINS bins of equal width.
    """

    needs = ("calibration",)
    lower_is_better = ("ece",)

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        predicted, target, _ = image.on_device
        return {"calibration": calibration_counts(image.logits, predicted[None], target[None]).cpu().numpy()}

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        bins = summed(counts["calibration"], weights)
        gap = np.abs(bins[..., RIGHT] - bins[..., CONFIDENCE] / UNIT).sum(-1)
        return {"ece": ratio(gap, bins[..., PIXELS].sum(-1))}


def calibration_counts(logits: Logits, predicted: Target, target: Target) -> "Int64[Tensor, 'bins 3']":
    """Count the scored pixels of each bin of confidence: all, those that are right, and their confidence * UNIT.

    The confidence is the probability of the predicted class; bin b holds [b, b + 1) / NUM_BINS.
    """
    import torch

    confidence = (logits.amax(1) - logits.logsumexp(1)).exp().flatten().double()
    scored = (target != VOID).flatten()
    bins = (confidence * NUM_BINS).long().clamp_(0, NUM_BINS - 1)
    bins[~scored] = NUM_BINS
    right = (predicted == target).flatten().double()
    counts = [torch.bincount(bins, weights, NUM_BINS + 1) for weights in (None, right, (confidence * UNIT).round())]
    return torch.stack([count[:NUM_BINS].long() for count in counts], -1)
