"""Scores as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from segexp.metric import scores


def class_table(confusion: scores.Confusion, class_names: Sequence[str], title: str) -> Table:
    """IoU, Dice and share of pixels of each class, their means, and the floor to compare the mean IoU with."""
    table = Table("class", title=title)
    for heading in ("IoU", "Dice", "share of pixels"):
        table.add_column(heading, justify="right")
    iou, dice, share = scores.class_iou(confusion), scores.class_dice(confusion), scores.class_share(confusion)
    for name, *row in zip(class_names, iou, dice, share, strict=True):
        table.add_row(name, *(_fraction(value) for value in row))
    table.add_section()
    table.add_row("mean", _fraction(scores.mean(iou)), _fraction(scores.mean(dice)), "", style="bold")
    table.add_row("most frequent class everywhere", _fraction(scores.prior_miou(confusion)), "", "", style="dim")
    return table


def score_table(found: Mapping[str, float], title: str) -> Table:
    """Scores of a whole split by name; those of single classes are left to `class_table`."""
    table = Table("score", title=title)
    table.add_column("value", justify="right")
    for name, value in found.items():
        if "/" not in name:
            table.add_row(name.replace("_", " "), _fraction(value))
    return table


def records_table(records: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Records of the same keys as rows; numbers with three significant digits, None as a dash."""
    table = Table(title=title)
    for heading in records[0]:
        is_text = any(isinstance(record[heading], str) for record in records)
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    for record in records:
        table.add_row(*(value if isinstance(value, str) else _three_digits(value) for value in record.values()))
    return table


def _three_digits(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _fraction(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
