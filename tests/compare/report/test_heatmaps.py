"""Heat maps are coloured, whatever their number of rows and columns."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from segexp.compare.report.heatmaps import class_gain_heatmap
from segexp.compare.verdict.comparison import Row


@pytest.mark.parametrize(("num_variants", "num_classes"), [(1, 4), (1, 1), (3, 1), (2, 3)])
def test_every_cell_is_as_large_as_its_place_and_has_its_colour(num_variants: int, num_classes: int) -> None:
    gains = np.arange(1, 1 + num_variants)[:, None] / 10 * np.ones(num_classes)
    rows = [Row("baseline", [0], [0.5], np.zeros(num_classes))]
    rows += [Row(f"variant {number}", [0], [0.5], gain) for number, gain in enumerate(gains)]
    figure = class_gain_heatmap(rows, [f"class {number}" for number in range(num_classes)], "IoU").draw()
    canvas, (axis,) = FigureCanvasAgg(figure), figure.axes
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    mesh = axis.collections[0]
    for row, column in np.ndindex(num_variants, num_classes):
        expected = np.array(mesh.cmap(mesh.norm(gains[row, column]), bytes=True))
        for beside in (-0.4, 0.4):
            left, bottom = axis.transData.transform((column + beside, row + beside)).astype(int)
            assert pixels[len(pixels) - 1 - bottom, left] == pytest.approx(expected, abs=2)
