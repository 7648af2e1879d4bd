"""The verdict in words, and how many seeds would make it exact."""

from dataclasses import replace

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.sentences import few, sentences
from segexp.compare.verdict.variants import shown_names


def headline(comparison: Comparison) -> list[str]:
    """Sentences, the one that sums up first."""
    names = shown_names([row.name for row in comparison.rows])[1]
    undecided = [cells for cells in row_cells(comparison.rows) if cells.verdict == "undecided"]
    said = sentences(comparison)
    if undecided:
        wanted = few([f"{cells.seeds_needed} for {names[cells.name]}" for cells in undecided])
        said.append(f"Seeds of both that would tell the difference to within ±0.003: {wanted}.")
    return said


def named_shortly(comparison: Comparison) -> tuple[str, Comparison]:
    """What a variant is called in a table's heading, and the comparison with names that leave that out."""
    heading, names = shown_names([row.name for row in comparison.rows])
    return heading, replace(
        comparison,
        variants={names[name]: runs for name, runs in comparison.variants.items()},
        rows=[replace(row, name=names[row.name]) for row in comparison.rows],
    )
