"""Scores as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from segexp.data.counts import ClassCounts
from segexp.loss.weighted_cross_entropy import class_weights
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
    table.add_row("pixel accuracy", _fraction(scores.pixel_accuracy(confusion)), "", "", style="dim")
    return table


def weight_table(counts: ClassCounts, class_names: Sequence[str]) -> Table:
    """Share of each class and the weights that `loss=weighted_cross_entropy` would give it, mean 1."""
    weightings = ("inverse_frequency", "median_frequency", "effective_number")
    table = Table("class", title="classes and suggested weights")
    for heading in ("share of pixels", *(weighting.replace("_", "\n") for weighting in weightings)):
        table.add_column(heading, justify="right")
    weights = [class_weights(*counts, weighting, beta=1 - 1e-7) for weighting in weightings]
    for name, count, *row in zip(class_names, counts.pixels, *weights, strict=True):
        table.add_row(name, f"{count / max(1, sum(counts.pixels)):.5f}", *(f"{weight:.3f}" for weight in row))
    return table


def records_table(records: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Records of the same keys as rows; numbers with three significant digits."""
    table = Table(title=title)
    for heading, value in records[0].items():
        table.add_column(heading, justify="left" if isinstance(value, str) else "right")
    for record in records:
        table.add_row(*(value if isinstance(value, str) else f"{value:.3g}" for value in record.values()))
    return table


def _fraction(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
