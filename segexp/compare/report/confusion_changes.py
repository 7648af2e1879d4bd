"""How the confusion matrix of a variant differs from that of the baseline."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.variants import Variants
from segexp.types import Floats

MOST_VARIANTS = 4
MOST_CHANGES = 8
SMALLEST_CHANGE = 0.005


class ShareChange(NamedTuple):
    """Share of a true class's pixels that were given to a class, by the baseline and by the variant."""

    true: str
    predicted: str
    before: float
    after: float


class ConfusionChange(NamedTuple):
    """number: its place in the page, from 0. name: of the variant. largest: its largest changes.

    difference: of shares, [C, C], rows true; NaN where a class is absent.
    """

    number: int
    name: str
    difference: Floats
    largest: list[ShareChange]


def confusion_changes(variants: Variants, names: Sequence[str]) -> list[ConfusionChange]:
    """The variants whose matrices differ most from that of the first name, the most different first."""
    baseline, *others = (shares(variants[name].values()) for name in names)
    differences = dict(zip(names[1:], (other - baseline for other in others), strict=True))
    ordered = sorted(differences, key=lambda name: -float(np.nansum(np.abs(differences[name]))))
    class_names = next(iter(variants[names[0]].values())).class_names
    return [
        ConfusionChange(number, name, differences[name], _largest(baseline, differences[name], class_names))
        for number, name in enumerate(ordered[:MOST_VARIANTS])
    ]


def shares(runs: Iterable[Run]) -> Floats:
    """Share of each true class's pixels that went to each class, mean over runs, [C, C]; NaN for an absent class."""
    counts = np.stack([run.confusion for run in runs]).astype(np.float64)
    totals = counts.sum(2, keepdims=True)
    return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0).mean(0)


def _largest(baseline: Floats, difference: Floats, class_names: Sequence[str]) -> list[ShareChange]:
    order = np.argsort(-np.abs(np.nan_to_num(difference)), axis=None, kind="stable")[:MOST_CHANGES]
    places = ((int(place) // len(class_names), int(place) % len(class_names)) for place in order)
    return [
        ShareChange(class_names[row], class_names[column], baseline[row, column], (baseline + difference)[row, column])
        for row, column in places
        if abs(difference[row, column]) >= SMALLEST_CHANGE
    ]
