"""The verdict in words, and how many seeds would make it exact."""

from dataclasses import replace

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.sentences import sentences, shorten
from segexp.compare.verdict.variants import short_names


def headline(comparison: Comparison) -> list[str]:
    """The verdict in sentences, first the one that sums it up."""
    names = short_names([row.name for row in comparison.rows])[1]
    undecided = [cells for cells in row_cells(comparison.rows) if cells.verdict == "undecided"]
    words = sentences(comparison)
    if undecided:
        seeds = shorten([f"{cells.seeds_needed} for {names[cells.name]}" for cells in undecided])
        words.append(f"Seeds of both that would tell the difference to within ±0.003: {seeds}.")
    return words


def with_short_names(comparison: Comparison) -> tuple[str, Comparison]:
    """A heading for the names of variants, and the comparison with names that leave out what the heading says."""
    heading, names = short_names([row.name for row in comparison.rows])
    return heading, replace(
        comparison,
        variants={names[name]: runs for name, runs in comparison.variants.items()},
        rows=[replace(row, name=names[row.name]) for row in comparison.rows],
    )
