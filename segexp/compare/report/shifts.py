"""What a variant confuses otherwise than the baseline does."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.verdict.evaluated import Run
from segexp.compare.verdict.variants import Variants
from segexp.types import Floats

MOST_VARIANTS = 4
MOST_SHIFTS = 8
SMALLEST_SHIFT = 0.005


class Shift(NamedTuple):
    """Share of the true class's pixels that were given to a class, by the baseline and by the variant."""

    true: str
    predicted: str
    before: float
    after: float


class Change(NamedTuple):
    """number: which of those shown, from 0. difference: of shares, [C, C], rows true; NaN where a class is absent."""

    number: int
    name: str
    difference: Floats
    shifts: list[Shift]


def largest(variants: Variants, names: Sequence[str]) -> list[Change]:
    """Of the variants whose matrices differ most from that of the first name, the most different first."""
    baseline, *others = (shares(variants[name].values()) for name in names)
    differences = dict(zip(names[1:], (other - baseline for other in others), strict=True))
    ordered = sorted(differences, key=lambda name: -float(np.nansum(np.abs(differences[name]))))
    class_names = next(iter(variants[names[0]].values())).class_names
    return [
        Change(number, name, differences[name], _shifts(baseline, differences[name], class_names))
        for number, name in enumerate(ordered[:MOST_VARIANTS])
    ]


def shares(runs: Iterable[Run]) -> Floats:
    """Share of each true class's pixels that went to each class, mean over runs, [C, C]; NaN for an absent class."""
    counted = np.stack([run.confusion for run in runs]).astype(np.float64)
    totals = counted.sum(2, keepdims=True)
    return np.divide(counted, totals, out=np.full_like(counted, np.nan), where=totals > 0).mean(0)


def _shifts(baseline: Floats, difference: Floats, class_names: Sequence[str]) -> list[Shift]:
    order = np.argsort(-np.abs(np.nan_to_num(difference)), axis=None, kind="stable")[:MOST_SHIFTS]
    places = ((int(place) // len(class_names), int(place) % len(class_names)) for place in order)
    return [
        Shift(class_names[row], class_names[column], baseline[row, column], (baseline + difference)[row, column])
        for row, column in places
        if abs(difference[row, column]) >= SMALLEST_SHIFT
    ]
