"""A row of the verdict as text: the same in the terminal, on the page, in Markdown and in W&B."""

from collections.abc import Sequence
from typing import NamedTuple

from segexp.compare.verdict.comparison import Row
from segexp.compare.verdict.format import NO_VALUE, p_value, score, signed
from segexp.compare.verdict.statistics import MOST_SEEDS, Difference, seeds_needed


class RowCells(NamedTuple):
    """Texts of one row.

    mean, least, most: the score over the seeds. interval: 95 %, of the difference. p_value: after Holm.
    seeds_needed: how many seeds make the interval no wider than ±0.003. A cell is empty where there is no difference.
    """

    name: str
    num_seeds: str
    mean: str
    least: str
    most: str
    difference: str
    interval: str
    p_value: str
    verdict: str
    seeds_needed: str


def row_cells(rows: Sequence[Row]) -> list[RowCells]:
    """The cells of each row. The first row is the baseline, which has the word `baseline` in place of a verdict."""
    return [_cells(row, is_baseline=row is rows[0]) for row in rows]


def _cells(row: Row, is_baseline: bool) -> RowCells:
    scores = (score(row.mean), score(min(row.scores)), score(max(row.scores)))
    difference = row.difference
    if difference is None:
        verdict = "baseline" if is_baseline else "no seed shared"
        return RowCells(row.name, str(len(row.seeds)), *scores, "", "", "", verdict, "")
    return RowCells(
        row.name,
        str(len(row.seeds)),
        *scores,
        difference=signed(difference.value),
        interval=f"{signed(difference.low)} .. {signed(difference.high)}",
        p_value=p_value(row.adjusted_p),
        verdict=row.verdict.partition(":")[0],
        seeds_needed=_seeds_needed(difference),
    )


def _seeds_needed(difference: Difference) -> str:
    return NO_VALUE if difference.num_seeds == 1 else str(seeds_needed(difference) or f"> {MOST_SEEDS}")
