"""The verdict as a table for a terminal."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.statistics import MOST_SEEDS, seeds_needed
from segexp.compare.verdict.text.console import fitting, name_column, number_column, table
from segexp.compare.verdict.variants import shown_names

DIFFERENCE = "difference, 95 % interval"
NEEDED = "seeds for\n±0.003"
COLUMNS = ("mean", "min .. max", DIFFERENCE, "seeds", "p (Holm)", "verdict", NEEDED)
LEFT_OUT_LAST = ("mean", DIFFERENCE, "verdict", "p (Holm)", "seeds", "min .. max", NEEDED)


def verdict_table(found: Comparison, console: Console) -> Table:
    """Mean, least and most mIoU of each variant over its seeds; its difference from the first row, 95 % interval."""
    equal = len({tuple(row.seeds) for row in found.rows}) == 1
    seeds = f", {len(found.rows[0].seeds)} seeds each" if equal and len(found.rows[0].seeds) > 1 else ""
    heading, names = shown_names([row.name for row in found.rows])

    def build(columns: Sequence[str]) -> Table:
        built = table(f"mIoU on {found.split}, baseline first{seeds}")
        name_column(built, heading)
        shown = [column for column in COLUMNS if column in columns]
        for column in shown:
            number_column(built, column)
        for row in found.rows:
            cells = _cells(row, is_baseline=row is found.rows[0])
            style = "bold" if row.verdict in ("better", "worse") else None
            built.add_row(names[row.name], *(cells[column] for column in shown), style=style)
        return built

    return fitting(console, build, [column for column in LEFT_OUT_LAST if column != "seeds" or not equal])


def _cells(row: Row, is_baseline: bool) -> dict[str, str]:
    found = row.difference
    cells = {
        "mean": f"{np.mean(row.miou):.4f}",
        "min .. max": f"{np.min(row.miou):.4f} .. {np.max(row.miou):.4f}",
        "seeds": str(len(row.seeds)),
        **dict.fromkeys((DIFFERENCE, "p (Holm)", NEEDED), ""),
        "verdict": "baseline" if is_baseline else "no seed shared",
    }
    if found is None:
        return cells
    return cells | {
        DIFFERENCE: f"{found.value:+.4f}  {found.low:+.4f} .. {found.high:+.4f}",
        "p (Holm)": _p_value(row.adjusted_p),
        "verdict": row.verdict.partition(":")[0],
        NEEDED: str(seeds_needed(found) or f"> {MOST_SEEDS}") if found.num_seeds > 1 else "-",
    }


def _p_value(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
