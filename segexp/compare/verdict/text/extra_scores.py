"""Every other score, and whether its difference from the baseline is significant, for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from segexp.compare.verdict import format
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.extra_scores import ExtraScore
from segexp.compare.verdict.text.console import fit_columns, name_column, number_column, plain_table
from segexp.compare.verdict.variants import short_names


def extra_score_table(comparison: Comparison, extra: Sequence[ExtraScore], console: Console) -> Table:
    """One row for each score: the baseline, then the difference of as many variants as fit, the best first."""
    names = list(short_names([row.name for row in comparison.rows])[1].values())

    def build(columns: Sequence[str]) -> Table:
        table = plain_table(
            "Other scores: baseline, differences from it (mean over seeds), and whether they are significant"
        )
        name_column(table, "score")
        for heading in names[: len(columns)]:
            number_column(table, heading)
        for score in extra:
            table.add_row(format.score_name(score.name), *_cells(score)[: len(columns)])
        return table

    return fit_columns(console, build, names)


def _cells(score: ExtraScore) -> list[str]:
    differences = zip(score.differences[1:], score.verdicts[1:], strict=True)
    return [format.score(score.means[0]), *(f"{format.signed(value)} {verdict}" for value, verdict in differences)]
