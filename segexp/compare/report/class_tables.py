"""Scores of classes and their gains against the baseline, as tables with coloured cells."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from segexp.compare.report.colors import SCORES, Cell, Scale, gain_scale
from segexp.compare.verdict.comparison import Row
from segexp.compare.verdict.format import NO_VALUE, signed
from segexp.types import Floats


class ColoredTable(NamedTuple):
    """corner: what the names of the rows are. cells: of each row."""

    corner: str
    columns: list[str]
    rows: list[str]
    cells: list[list[Cell]]
    scale: Scale


def class_score_table(rows: Sequence[Row], class_names: Sequence[str]) -> ColoredTable:
    """The score of each class for each variant, mean over seeds, 0 to 1."""
    values = np.stack([row.class_scores for row in rows])
    return _table(values, "{:.3f}".format, [row.name for row in rows], class_names, SCORES)


def class_gain_table(rows: Sequence[Row], class_names: Sequence[str]) -> ColoredTable:
    """The score of each class for each variant minus that of the baseline, which is the first row."""
    values = np.stack([row.class_scores - rows[0].class_scores for row in rows[1:]])
    names, scale = [row.name for row in rows[1:]], gain_scale(values)
    return _table(values, lambda value: signed(value, digits=3), names, class_names, scale)


def _table(
    values: Floats, form: Callable[[float], str], names: list[str], class_names: Sequence[str], scale: Scale
) -> ColoredTable:
    """values: [variant, class]. The longer side goes down the page, which is higher than it is wide."""
    if len(names) > len(class_names):
        return ColoredTable("variant", [*class_names], names, _cells(values, form, scale), scale)
    return ColoredTable("class", names, [*class_names], _cells(values.T, form, scale), scale)


def _cells(values: Floats, form: Callable[[float], str], scale: Scale) -> list[list[Cell]]:
    return [
        [scale.cell(NO_VALUE if np.isnan(value) else form(value).replace("-", "−"), value) for value in row]
        for row in values
    ]
