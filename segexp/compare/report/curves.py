"""Histories of runs -> one learning curve a variant."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segexp.compare.verdict.comparison import Comparison
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
    shown = comparison.rows[:MOST_CURVES]  # the best others follow the baseline
    every = (_curve(row.name, list(comparison.variants[row.name].values())) for row in shown)
    return [curve for curve in every if curve.epochs]


def _curve(name: str, runs: Sequence[Run]) -> Curve:
    histories = [scores_by_epoch(run) for run in runs]
    epochs = sorted(set.intersection(*(set(history) for history in histories)))
    scores = np.array([[history[epoch] for epoch in epochs] for history in histories])  # seed epoch
    return Curve(name, epochs, scores.mean(0), scores.min(0), scores.max(0))
