"""Differences from the baseline with their intervals, as places on a common axis."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.ticker import MaxNLocator

from segexp.compare.verdict.comparison import Row

MARGIN = 0.08
"""Of the axis, left free on both sides, where the numbers of ticks need room."""
NUM_TICKS = 4
LEAST_LENGTH = 0.001
"""Of the axis, lest equal scores look different, and ticks have exponents."""


class ForestRow(NamedTuple):
    """low, value, high, seeds: percent of the axis. seeds: the difference of each seed that both have."""

    row: Row
    low: float
    value: float
    high: float
    seeds: list[float]


class ForestPlot(NamedTuple):
    """zero: where on the axis 0 is, in percent. ticks: place in percent, and its number."""

    rows: list[ForestRow]
    zero: float
    ticks: list[tuple[float, str]]


def forest_plot(rows: Sequence[Row]) -> ForestPlot | None:
    """Place each row that has a difference. None where no row has one. The first row is the baseline."""
    others = [(row, *row.difference[:3]) for row in rows if row.difference]
    if not others:
        return None
    seeds = [_seed_differences(row, rows[0]) for row, *_ in others]
    every = [0.0, *(number for _, *numbers in others for number in numbers), *(each for many in seeds for each in many)]
    least, length = min(every), max(max(every) - min(every), LEAST_LENGTH)

    def percent(value: float) -> float:
        return round(100 * (MARGIN + (1 - 2 * MARGIN) * (value - least) / length), 2)

    placed = [
        ForestRow(row, percent(low), percent(value), percent(high), [percent(each) for each in differences])
        for (row, value, low, high), differences in zip(others, seeds, strict=True)
    ]
    return ForestPlot(placed, percent(0), [(percent(tick), _number(tick)) for tick in _ticks(least, least + length)])


def _ticks(least: float, most: float) -> Iterable[float]:
    ticks = map(float, MaxNLocator(NUM_TICKS).tick_values(least, most))
    return (tick for tick in ticks if least - 1e-9 <= tick <= most + 1e-9)


def _number(tick: float) -> str:
    return f"{round(tick, 6):+g}".replace("-", "−") if abs(tick) > 1e-9 else "0"


def _seed_differences(row: Row, baseline: Row) -> list[float]:
    theirs = dict(zip(baseline.seeds, baseline.scores, strict=True))
    return [score - theirs[seed] for seed, score in zip(row.seeds, row.scores, strict=True) if seed in theirs]
