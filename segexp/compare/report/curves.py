"""Histories of runs -> one learning curve a variant."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.ranking import scores_by_epoch

MOST_CURVES = 8


class Curve(NamedTuple):
    """mean, low, high: over seeds, by epoch, as far as every seed came."""

    name: str
    epochs: list[int]
    mean: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def curves(comparison: Comparison) -> list[Curve]:
    """The curves of the baseline and of the best other variants that have a history, eight at most.

    More than eight curves cannot be distinguished.
    """
    baseline, *others = comparison.rows
    best = sorted(others, key=_mean, reverse=True)[: MOST_CURVES - 1]
    names = [row.name for row in comparison.rows if row is baseline or row in best]
    every = (_curve(name, list(comparison.variants[name].values())) for name in names)
    return [curve for curve in every if curve.epochs]


def _mean(row: Row) -> float:
    return row.mean


def _curve(name: str, runs: Sequence[Run]) -> Curve:
    histories = [scores_by_epoch(run) for run in runs]
    epochs = sorted(set.intersection(*(set(history) for history in histories)))
    scores = np.array([[history[epoch] for epoch in epochs] for history in histories])  # seed epoch
    return Curve(name, epochs, scores.mean(0), scores.min(0), scores.max(0))
