"""Learning curves: only the baseline is dashed, in the legend too, and the page says of them what was drawn."""

from pathlib import Path

import pytest

from segexp.compare.report.curve_plot import CYCLE, curve_colors, curve_plot
from segexp.compare.report.curves import curves
from segexp.compare.report.report_files import write_report
from tests.compare.report.runs import compare_folder, run

LOSSES = ("focal", "dice", "hinge")
DASHED = {True: "--", False: "-"}


@pytest.mark.parametrize("without", LOSSES)
def test_only_the_baseline_is_dashed(tmp_path: Path, without: str) -> None:
    for loss in LOSSES:
        run(tmp_path / "sweep" / loss, loss, 0, with_history=loss != without)
    comparison = compare_folder(tmp_path / "sweep")
    drawn = curves(comparison)
    (axis,) = curve_plot(drawn, comparison.rows[0].name).draw().axes
    styles = {curve.name: line.get_linestyle() for curve, line in zip(drawn, axis.lines, strict=True)}
    assert styles == {f"loss={loss}": DASHED[loss == "focal"] for loss in LOSSES if loss != without}
    colors = [line.get_color() for line in axis.lines if line.get_linestyle() == "-"]
    assert colors == [*CYCLE[: len(colors)]]
    write_report(comparison, tmp_path, "")
    page = (tmp_path / "report.html").read_text()
    assert curve_colors(drawn, comparison.rows[0].name) == [
        (curve.name, line.get_color()) for curve, line in zip(drawn, axis.lines, strict=True)
    ]
    assert page.count('class="line dashed"') == (without != "focal")
    assert page.count('class="line"') == len(colors)
    assert ("Dashed: the baseline." in page) == (without != "focal")
    assert ("The baseline has no curve: " in page) == (without == "focal")
    assert "Variants shown: 2 of 3;" in page
