"""Which classes gain and lose, for a terminal: all of them where they fit, otherwise those that changed most."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.format import score, score_name, signed
from segexp.compare.verdict.text.console import least_width, name_column, number_column, plain_table
from segexp.compare.verdict.variants import short_names

NUM_CLASSES = 3
WIDEST = 200  # in a file, where nobody scrolls over more columns


def class_score_table(comparison: Comparison, console: Console) -> Table:
    """Score of each class for the baseline, mean over seeds, and what every other variant gains or loses."""
    names = list(short_names([row.name for row in comparison.rows])[1].values())
    for headings in (names, [name.replace("_", "_\n").replace(" ", "\n") for name in names]):
        full = _all_classes(comparison, headings)
        if least_width(full) <= min(console.width, WIDEST):
            return full
    return _most_changed(comparison, names)


def _all_classes(comparison: Comparison, headings: Sequence[str]) -> Table:
    baseline, *others = comparison.rows
    title = score_name(comparison.class_score)
    table = plain_table(
        f"{title} of each class for the baseline, and by how much the others differ (mean over seeds, not tested)"
    )
    name_column(table, "class")
    for heading in headings:
        number_column(table, heading)
    for index, name in enumerate(comparison.class_names):
        reference = baseline.class_scores[index]
        table.add_row(name, score(reference), *(signed(row.class_scores[index] - reference) for row in others))
    return table


def _most_changed(comparison: Comparison, names: Sequence[str]) -> Table:
    baseline, *others = comparison.rows
    table = plain_table(
        f"Classes whose {score_name(comparison.class_score)} differs most (mean over seeds, not tested)"
    )
    name_column(table, "")
    number_column(table, "gained")
    number_column(table, "lost")
    for name, row in zip(names[1:], others, strict=True):
        gained, lost = gained_and_lost(row, baseline, comparison.class_names)
        table.add_row(name, _lines(gained), _lines(lost), end_section=row is not others[-1])
    return table


def gained_and_lost(
    row: Row, baseline: Row, class_names: Sequence[str]
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The classes with the largest gains and those with the largest losses, the largest first."""
    difference = row.class_scores - baseline.class_scores
    order = [index for index in np.argsort(difference) if not np.isnan(difference[index])]
    named = [(class_names[index], float(difference[index])) for index in order]
    lost = [each for each in named if each[1] < -0.00005][:NUM_CLASSES]  # what would not be printed as 0
    return [each for each in named[::-1] if each[1] > 0.00005][:NUM_CLASSES], lost


def _lines(differences: Sequence[tuple[str, float]]) -> str:
    return "\n".join(f"{name} {signed(value)}" for name, value in differences) or "-"
