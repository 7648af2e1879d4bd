"""Which classes gain and lose, for a terminal: all of them where they fit, otherwise the foremost of each variant."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.text.console import least_width, name_column, number_column, table
from segexp.compare.verdict.variants import shown_names

NUM_CLASSES = 3
WIDEST = 200  # columns that anyone would scroll over in a file


def class_table(found: Comparison, console: Console) -> Table:
    """IoU of each class, mean over seeds, and what every other variant gains or loses."""
    names = list(shown_names([row.name for row in found.rows])[1].values())
    for headings in (names, [name.replace("_", "_\n").replace(" ", "\n") for name in names]):
        full = _full(found, headings)
        if least_width(full) <= min(console.width, WIDEST):
            return full
    return _foremost(found, names)


def _full(found: Comparison, headings: Sequence[str]) -> Table:
    baseline, *others = found.rows
    built = table("IoU of each class for the baseline, and by how much the others differ (mean over seeds, not tested)")
    name_column(built, "class")
    for heading in headings:
        number_column(built, heading)
    for number, name in enumerate(found.class_names):
        reference = baseline.class_iou[number]
        built.add_row(
            name, _figure(reference, ".4f"), *(_figure(row.class_iou[number] - reference, "+.4f") for row in others)
        )
    return built


def _foremost(found: Comparison, names: Sequence[str]) -> Table:
    baseline, *others = found.rows
    built = table("Classes whose IoU differs most (mean over seeds, not tested)")
    name_column(built, "")
    number_column(built, "gained")
    number_column(built, "lost")
    for name, row in zip(names[1:], others, strict=True):
        gained, lost = gained_and_lost(row, baseline, found.class_names)
        built.add_row(name, _lines(gained), _lines(lost), end_section=row is not others[-1])
    return built


def gained_and_lost(
    row: Row, baseline: Row, class_names: Sequence[str]
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The classes with the largest gains and those with the largest losses in IoU, the largest first."""
    difference = row.class_iou - baseline.class_iou
    order = [index for index in np.argsort(difference) if not np.isnan(difference[index])]
    named = [(class_names[index], float(difference[index])) for index in order]
    lost = [each for each in named if each[1] < -0.00005][:NUM_CLASSES]  # what is not shown as 0
    return [each for each in named[::-1] if each[1] > 0.00005][:NUM_CLASSES], lost


def _lines(differences: Sequence[tuple[str, float]]) -> str:
    return "\n".join(f"{name} {value:+.4f}" for name, value in differences) or "-"


def _figure(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)
