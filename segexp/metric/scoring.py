"""The scores of one metric, checked: what a metric of the user's own does wrong is said by its name."""

from collections.abc import Mapping

import numpy as np

from segexp.metric.metric import Classes, Metric, Scores
from segexp.types import Counts, Floats


def has_counts(metric: Metric, counts: Mapping[str, Counts]) -> bool:
    """Whether the counts that the metric's scores follow from are all there."""
    return set(metric.needs) <= counts.keys()


def scores_of(
    name: str, metric: Metric, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes
) -> Scores:
    """Compute the scores of a metric, see `Metric.scores`.

    name: of the metric, as conf/metric has it. Raises ValueError naming it if it raises an error, or gives anything but
    one value for each resample.
    """
    try:
        scores = {score: np.asarray(value) for score, value in metric.scores(counts, weights, classes).items()}
    except Exception as error:  # whatever a metric of the user's own may raise, or counts of a damaged file cause
        raise ValueError(f"metric.{name} gives no scores ({type(error).__name__}: {error})") from error
    shape = (1,) if weights is None else (len(weights),)
    for score, value in scores.items():
        if value.shape != shape or value.dtype.kind not in "fiu":
            raise ValueError(
                f"metric.{name} gives {score} as {value.dtype} {value.shape}; allowed: a number for each resample, "
                f"here {shape}; begin with summed(counts[...], weights) of segexp.metric.sums"
            )
    return scores
