"""The verdict as tables for a terminal."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from segexp.verdict.comparison import Row
from segexp.verdict.statistics import MOST_SEEDS, seeds_needed


def verdict_table(rows: Sequence[Row], split: str) -> Table:
    """Mean, least and most mIoU of each variant over its seeds; its difference from the first row, 95 % interval."""
    table = Table("variant", title=f"mIoU on {split}, baseline first")
    for heading in ("seeds", "mean", "min", "max", "difference", "95 % interval", "p (Holm)"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    table.add_column("seeds for ±0.003", justify="right")
    for row in rows:
        spread = (f"{len(row.seeds)}", *(f"{pick(row.miou):.4f}" for pick in (np.mean, np.min, np.max)))
        table.add_row(row.name, *spread, *_difference(row))
    return table


def class_table(rows: Sequence[Row], class_names: Sequence[str]) -> Table:
    """IoU of each class for the baseline, and what every other variant gains or loses, mean over seeds."""
    table = Table("class", title=f"IoU of {rows[0].name}, and by how much the others differ")
    for row in rows:
        table.add_column(row.name, justify="right")
    for number, name in enumerate(class_names):
        reference = rows[0].class_iou[number]
        table.add_row(name, f"{reference:.4f}", *(f"{row.class_iou[number] - reference:+.4f}" for row in rows[1:]))
    return table


def left_out_lines(left_out: Sequence[tuple[Path, str]]) -> list[str]:
    return [f"left out  {path}: {reason}" for path, reason in left_out]


def _difference(row: Row) -> tuple[str, ...]:
    found = row.difference
    if found is None:
        return ()
    interval = f"{found.low:+.4f} .. {found.high:+.4f}" + (" (images only)" if found.num_seeds == 1 else "")
    needed = (seeds_needed(found) or f"> {MOST_SEEDS}") if found.num_seeds > 1 else "-"
    p_value = "-" if np.isnan(row.adjusted_p) else f"{row.adjusted_p:.3g}"
    return f"{found.value:+.4f}", interval, p_value, row.verdict, str(needed)
