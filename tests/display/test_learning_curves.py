"""Learning curves of a run: each class is told apart, and the legend says what its figures are."""

import pytest

from segexp.display.learning_curves import learning_curves


def axis_of_classes(num_classes: int):
    names = [f"class {number}" for number in range(num_classes)]
    scores = {"val/miou": 0.5, **{f"val/iou/{name}": 0.5 for name in names}}
    rows = [{"epoch": epoch, "step": epoch, **scores} for epoch in range(2)]
    return learning_curves(rows, "run", names).axes[3]


@pytest.mark.parametrize("num_classes", [8, 19, 34])
def test_no_two_classes_have_the_same_colour_and_dashes(num_classes: int) -> None:
    lines = axis_of_classes(num_classes).lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines) == num_classes


def test_the_title_says_what_the_figures_of_the_legend_are() -> None:
    assert axis_of_classes(2).get_title() == "val IoU per class (legend: value at the best epoch)"
