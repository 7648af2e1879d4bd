"""The verdict as a table for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.format import score_name
from segexp.compare.verdict.row_cells import RowCells, row_cells
from segexp.compare.verdict.text.console import fit_columns, name_column, number_column, plain_table
from segexp.compare.verdict.variants import short_names

DIFFERENCE = "difference, 95 % interval"
NEEDED = "seeds for\n±0.003"
COLUMNS = ("mean", "min .. max", DIFFERENCE, "seeds", "p (Holm)", "verdict", NEEDED)
BY_IMPORTANCE = ("mean", DIFFERENCE, "verdict", "p (Holm)", "seeds", "min .. max", NEEDED)


def verdict_table(comparison: Comparison, console: Console) -> Table:
    """One row for each variant, and as many columns as fit; seeds that are the same for all stand in the title."""
    rows, cells = comparison.rows, row_cells(comparison.rows)
    are_alike = len({tuple(row.seeds) for row in rows}) == 1
    seeds = f", {cells[0].num_seeds} seeds each" if are_alike and len(rows[0].seeds) > 1 else ""
    heading, names = short_names([row.name for row in rows])

    def build(columns: Sequence[str]) -> Table:
        table = plain_table(f"{score_name(comparison.score)} on {comparison.split}, baseline first{seeds}")
        name_column(table, heading)
        chosen = [column for column in COLUMNS if column in columns]
        for column in chosen:
            number_column(table, column)
        for each in cells:
            texts = _by_column(each)
            style = "bold" if each.verdict in ("better", "worse") else None
            table.add_row(names[each.name], *(texts[column] for column in chosen), style=style)
        return table

    return fit_columns(console, build, [column for column in BY_IMPORTANCE if column != "seeds" or not are_alike])


def _by_column(cells: RowCells) -> dict[str, str]:
    return {
        "mean": cells.mean,
        "min .. max": f"{cells.least} .. {cells.most}",
        DIFFERENCE: f"{cells.difference}  {cells.interval}".strip(),
        "seeds": cells.num_seeds,
        "p (Holm)": cells.p_value,
        "verdict": cells.verdict,
        NEEDED: cells.seeds_needed,
    }
