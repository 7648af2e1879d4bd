"""Scores that evaluations computed beside the mean IoU of the split."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
from segexp.types import Floats


class ExtraScores(NamedTuple):
    """names: of the scores. means: over the seeds of each row of the comparison, [V, S]; NaN where a run has none."""

    names: list[str]
    means: Floats


def extra_scores(comparison: Comparison) -> ExtraScores:
    """Every score of the whole split that at least one run has; scores of single classes are not among them."""
    members = [list(comparison.variants[row.name].values()) for row in comparison.rows]
    names = list(dict.fromkeys(name for runs in members for run in runs for name in _scores(run)))
    return ExtraScores(names, np.array([_means(runs, names) for runs in members]).reshape(len(members), len(names)))


def _means(runs: Sequence[Run], names: Sequence[str]) -> list[float]:
    every = [_scores(run) for run in runs]
    return [float(np.mean([scores.get(name, np.nan) for scores in every])) for name in names]


def _scores(run: Run) -> dict[str, float]:
    metrics = run.facts.get("metrics", {})
    return {name: value for name, value in metrics.items() if "/" not in name and name != "miou"}
