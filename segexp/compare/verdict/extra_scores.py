"""Scores beside the one that is compared, and whether each of their differences is significant."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.format import NO_VALUE

EACH_SCORE_ALONE = "p-values are not corrected for the number of scores: chance alone makes some of them significant."
NOT_TESTED = "not tested"
"""Of a score that does not follow from the counts that every run has."""


class ExtraScore(NamedTuple):
    """name: of the score. means: over the seeds of each row of the comparison; NaN where a run has none.

    differences: from the baseline. verdicts: better, worse, not significant, or why nothing is said; empty for
    the baseline.
    """

    name: str
    means: list[float]
    differences: list[float]
    verdicts: list[str]


def extra_scores(comparison: Comparison) -> list[ExtraScore]:
    """Every score of the whole split that at least one run has; scores of single classes are not among them."""
    members = [list(comparison.variants[row.name].values()) for row in comparison.rows]
    names = dict.fromkeys(name for runs in members for run in runs for name in _scores(run))
    return [_extra_score(comparison, name, members) for name in names if name != comparison.score]


def _extra_score(comparison: Comparison, name: str, members: Sequence[Sequence[Run]]) -> ExtraScore:
    rows = comparison.further.get(name)
    means = [float(np.mean([_scores(run).get(name, np.nan) for run in runs])) for runs in members]
    if rows is None:
        untested = [NOT_TESTED] * (len(means) - 1)
        return ExtraScore(name, means, [mean - means[0] for mean in means], ["", *untested])
    differences = [row.difference.value if row.difference else np.nan for row in rows]
    verdicts = [row.verdict.partition(":")[0] or NO_VALUE for row in rows[1:]]
    return ExtraScore(name, means, differences, ["", *verdicts])


def _scores(run: Run) -> dict[str, float]:
    """What follows from the counts, and what else the evaluation recorded."""
    recorded = {} if run.scorer.suffixes else run.facts.get("metrics", {})
    return {name: value for name, value in {**recorded, **run.scores}.items() if "/" not in name}
