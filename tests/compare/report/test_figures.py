"""Figures of a report: where marks are, and what colours mean."""

import re

import numpy as np
import pytest

from segexp.compare.report.class_tables import class_gain_table, class_score_table
from segexp.compare.report.colors import NO_VALUE_COLOR, Cell, gain_scale
from segexp.compare.report.confusion_changes import ConfusionChange, confusion_cells, confusion_scale
from segexp.compare.report.forest_plot import ForestPlot, forest_plot
from segexp.compare.verdict.comparison import Row
from segexp.compare.verdict.statistics import Difference


def row(name: str, scores: list[float], interval: tuple[float, float] | None = None) -> Row:
    value = scores[0] - 0.5
    difference = Difference(value, *interval, 0.5, 1, 12, 0.0, 0.0) if interval else None
    return Row(name, [*range(len(scores))], scores, np.zeros(2), difference)


def plot() -> ForestPlot:
    drawn = forest_plot([row("a", [0.5, 0.6]), row("b", [0.7], (0.1, 0.3)), row("c", [0.4], (-0.3, 0.05))])
    assert drawn
    return drawn


def test_a_forest_plot_has_one_linear_axis_for_all_rows_and_room_on_both_sides() -> None:
    b, c = plot().rows
    values = {-0.3: c.low, -0.1: c.value, 0.05: c.high, 0.0: plot().zero, 0.1: b.low, 0.2: b.value, 0.3: b.high}
    slopes = np.diff([values[key] for key in sorted(values)]) / np.diff(sorted(values))
    assert slopes == pytest.approx(slopes[0], rel=0.01)
    assert 5 < min(values.values()) < max(values.values()) < 95
    assert (b.seeds, c.seeds) == ([b.value], [c.value])


def test_ticks_are_where_their_numbers_say() -> None:
    ticks = {float(number.replace("−", "-")): place for place, number in plot().ticks}
    assert ticks[0] == plot().zero
    assert len(ticks) > 2
    b = plot().rows[0]
    for number, place in ticks.items():
        assert place == pytest.approx(plot().zero + number / 0.2 * (b.value - plot().zero), abs=0.05)


@pytest.mark.parametrize("value", [0.5, 0.5 + 1e-7, 0.5 - 1e-7])
def test_ticks_of_equal_scores_have_neither_an_exponent_nor_a_signed_zero(value: float) -> None:
    drawn = forest_plot([row("a", [0.5]), row("b", [value], (value - 0.5, value - 0.5))])
    assert drawn
    numbers = [number for _, number in drawn.ticks]
    assert "0" in numbers
    assert len(numbers) > 2
    assert all(re.fullmatch(r"0|[+−]0\.\d*[1-9]", number) for number in numbers)


def test_without_a_difference_there_is_no_forest_plot() -> None:
    assert forest_plot([row("a", [0.5])]) is None


def blueness(cell: Cell) -> int:
    return int(cell.background[5:], 16) - int(cell.background[1:3], 16)


def test_blue_is_better_on_the_diagonal_and_beside_it() -> None:
    change = ConfusionChange("dice", np.array([[0.2, -0.2, 0.0], [0.1, -0.1, 0.0], [np.nan] * 3]), [])
    cells = confusion_cells(change, confusion_scale([change]))
    assert [[np.sign(blueness(cell)) for cell in cells_of_row[:2]] for cells_of_row in cells[:2]] == [[1, 1], [-1, -1]]
    assert [[cell.text for cell in cells_of_row] for cells_of_row in cells] == [
        ["+.20", "−.20", ""], ["+.10", "−.10", ""], ["–"] * 3
    ]  # fmt: skip
    assert {cell.background for cell in cells[2]} == {NO_VALUE_COLOR}


def test_equal_changes_of_two_variants_have_equal_colours() -> None:
    changes = [ConfusionChange(name, np.diag([0.1, largest]), []) for name, largest in (("a", 0.1), ("b", 0.9))]
    scale = confusion_scale(changes)
    assert (scale.least, scale.most) == (-0.9, 0.9)
    first, second = (confusion_cells(change, scale)[0][0] for change in changes)
    assert first == second


def test_noise_does_not_look_like_a_difference() -> None:
    scale = gain_scale(np.array([1e-4, np.nan]))
    assert abs(blueness(scale.cell("", 1e-4))) < 10


@pytest.mark.parametrize(("num_variants", "num_classes"), [(2, 19), (30, 19), (3, 1)])
def test_the_longer_side_of_a_table_of_classes_goes_down_the_page(num_variants: int, num_classes: int) -> None:
    scores = np.linspace(0, 1, num_variants * num_classes).reshape(num_variants, num_classes)
    rows = [Row(f"v{number}", [0], [0.5], each) for number, each in enumerate(scores)]
    names = [f"class {number}" for number in range(num_classes)]
    for table, first in ((class_score_table(rows, names), 0), (class_gain_table(rows, names), 1)):
        assert len(table.rows) >= len(table.columns)
        assert [len(each) for each in table.cells] == [len(table.columns)] * len(table.rows)
        assert {*table.rows, *table.columns} == {*names, *(each.name for each in rows[first:])}
    table = class_score_table(rows, names)
    down, across = table.rows.index(table.rows[-1]), 0
    variant, name = sorted((table.rows[down], table.columns[across]), key=lambda each: each in names)
    assert table.cells[down][across].text == f"{scores[int(variant[1:]), names.index(name)]:.3f}"
