"""Sums of counts over resampled images, and the ratios that scores are made of."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segexp.types import Counts, Floats


def summed(counts: Counts, weights: Floats | None) -> npt.NDArray:
    """Sum counts over images, [N, ...] -> [B, ...]; exactly, as whole numbers, if every image counts once.

    weights: how often each image is drawn in each of B resamples [B, N]; None for every image once, where B is 1.
    """
    if weights is None:
        return counts.sum(0, dtype=np.int64)[None]
    return (weights @ counts.reshape(len(counts), -1).astype(np.float64)).reshape(len(weights), *counts.shape[1:])


def ratio(part: npt.NDArray, whole: npt.NDArray) -> Floats:
    """Divide part by whole; NaN where the whole is 0."""
    quotient = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=quotient, where=whole > 0)


def mean(fractions: Floats) -> Floats:
    """Average the fractions that are not NaN over the last axis; NaN where all are."""
    return ratio(np.nansum(fractions, -1), (~np.isnan(fractions)).sum(-1))


def by_name(score: str, names: Sequence[str], fractions: Floats) -> dict[str, Floats]:
    """The scores of single classes, [B, C] -> `score/name` -> [B]."""
    return {f"{score}/{name}": fractions[:, index] for index, name in enumerate(names)}
