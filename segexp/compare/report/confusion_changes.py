"""How the confusion matrix of a variant differs from that of the baseline."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.report.colors import Cell, Scale, gain_scale
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.format import NO_VALUE
from segexp.compare.verdict.variants import Variants
from segexp.types import Floats

MOST_VARIANTS = 4
MOST_CHANGES = 8
SMALLEST_CHANGE = 0.005
SMALLEST_NUMBER = 0.01
"""Changes nearer to 0 have a colour but no number."""


class ShareChange(NamedTuple):
    """Share of a true class's pixels that were given to a class, by the baseline and by the variant."""

    true: str
    predicted: str
    before: float
    after: float


class ConfusionChange(NamedTuple):
    """name: of the variant. largest: its largest changes.

    difference: of shares, [C, C], rows true; NaN where a class is absent.
    """

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
        ConfusionChange(name, differences[name], _largest(baseline, differences[name], class_names))
        for name in ordered[:MOST_VARIANTS]
    ]


def shares(runs: Iterable[Run]) -> Floats:
    """Share of each true class's pixels that went to each class, mean over runs, [C, C]; NaN for an absent class."""
    counts = np.stack([run.confusion for run in runs]).astype(np.float64)
    totals = counts.sum(2, keepdims=True)
    return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0).mean(0)


def gains(difference: Floats) -> Floats:
    """The same with the sign that makes better positive: more on the diagonal, less beside it, [C, C]."""
    return np.where(np.eye(len(difference), dtype=bool), difference, -difference)


def confusion_scale(changes: Sequence[ConfusionChange]) -> Scale:
    """One for all variants."""
    return gain_scale(*(change.difference for change in changes))


def confusion_cells(change: ConfusionChange, scale: Scale) -> list[list[Cell]]:
    """The change in figures, coloured by what is gained; [C][C], rows true."""
    gained = gains(change.difference)
    return [
        [scale.cell(_text(value), gain) for value, gain in zip(*each, strict=True)]
        for each in zip(change.difference, gained, strict=True)
    ]


def _text(value: float) -> str:
    """`+.02`, as narrow as it can be."""
    if np.isnan(value):
        return NO_VALUE
    return f"{value:+.2f}".replace("0.", ".", 1).replace("-", "−") if abs(value) >= SMALLEST_NUMBER else ""


def _largest(baseline: Floats, difference: Floats, class_names: Sequence[str]) -> list[ShareChange]:
    order = np.argsort(-np.abs(np.nan_to_num(difference)), axis=None, kind="stable")[:MOST_CHANGES]
    places = ((int(place) // len(class_names), int(place) % len(class_names)) for place in order)
    return [
        ShareChange(class_names[row], class_names[column], baseline[row, column], (baseline + difference)[row, column])
        for row, column in places
        if abs(difference[row, column]) >= SMALLEST_CHANGE
    ]
