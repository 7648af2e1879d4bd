"""Figures of the verdict as the text that tables hold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.verdict.comparison import Row
from segexp.compare.verdict.statistics import MOST_SEEDS, seeds_needed

NOTHING = "–"


class VerdictCells(NamedTuple):
    """One row of the verdict table; empty where there is nothing to tell."""

    name: str
    num_seeds: str
    mean: str
    least: str
    most: str
    difference: str = ""
    interval: str = ""
    p_value: str = ""
    verdict: str = ""
    seeds_needed: str = ""


def verdict_cells(rows: Sequence[Row]) -> list[VerdictCells]:
    """The baseline first, which is `baseline` in place of a verdict."""
    return [_cells(row, is_baseline=row is rows[0]) for row in rows]


def verdict(row: Row) -> str:
    """In words, also where a variant has no seed in common with the baseline."""
    return row.verdict.partition(":")[0] if row.difference else "no seed shared"


def score(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:.4f}"


def signed(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:+.4f}".replace("-", "−")


def p_value(value: float) -> str:
    if np.isnan(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def needed(row: Row) -> str:
    """How many seeds make the interval no wider than ±0.003."""
    if row.difference is None or row.difference.num_seeds == 1:
        return NOTHING
    return str(seeds_needed(row.difference) or f"> {MOST_SEEDS}")


def _cells(row: Row, is_baseline: bool) -> VerdictCells:
    least, most = min(row.miou), max(row.miou)
    cells = VerdictCells(row.name, str(len(row.seeds)), score(float(np.mean(row.miou))), score(least), score(most))
    found = row.difference
    if found is None:
        return cells._replace(verdict="baseline" if is_baseline else verdict(row))
    interval = f"{signed(found.low)} … {signed(found.high)}" + (" (images only)" if found.num_seeds == 1 else "")
    return cells._replace(
        difference=signed(found.value),
        interval=interval,
        p_value=p_value(row.adjusted_p),
        verdict=verdict(row),
        seeds_needed=needed(row),
    )
