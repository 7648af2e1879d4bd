"""Names of variants without what they have in common."""

from dataclasses import replace

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.variants import short_names


def with_short_names(comparison: Comparison) -> tuple[str, Comparison]:
    """A heading for the names of variants, and the comparison with names that leave out what the heading says."""
    heading, names = short_names([row.name for row in comparison.rows])
    return heading, replace(
        comparison,
        variants={names[name]: runs for name, runs in comparison.variants.items()},
        rows=[replace(row, name=names[row.name]) for row in comparison.rows],
    )
