"""Learning curves: the baseline is marked and nothing else, and what is told of them is what was drawn."""

from pathlib import Path

import pytest

from segexp.compare.report.curves import curves
from segexp.compare.report.figures import CYCLE, learning_curves
from segexp.compare.report.report import write
from tests.compare.report.runs import compared, run

LOSSES = ("focal", "dice", "hinge")
DASHED = {True: "--", False: "-"}


@pytest.mark.parametrize("without", LOSSES)
def test_only_the_baseline_is_dashed(tmp_path: Path, without: str) -> None:
    for loss in LOSSES:
        run(tmp_path / "sweep" / loss, loss, 0, with_history=loss != without)
    comparison = compared(tmp_path / "sweep")
    drawn = curves(comparison)
    (axis,) = learning_curves(drawn, comparison.rows[0].name).draw().axes
    styles = {curve.name: line.get_linestyle() for curve, line in zip(drawn, axis.lines, strict=True)}
    assert styles == {f"loss={loss}": DASHED[loss == "focal"] for loss in LOSSES if loss != without}
    colors = [line.get_color() for line in axis.lines if line.get_linestyle() == "-"]
    assert colors == [*CYCLE[: len(colors)]]
    write(comparison, tmp_path, "")
    page = (tmp_path / "report.html").read_text()
    assert ("Dashed: the baseline." in page) == (without != "focal")
    assert ("The baseline has no curve: " in page) == (without == "focal")
    assert "Variants shown: 2 of 3;" in page
