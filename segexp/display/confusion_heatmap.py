"""A confusion matrix as a heatmap."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segexp.display.text import shorten, widest, width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "confusion, rows normalised (recall on the diagonal)"
CELL, SMALLEST_SIDE, BAR = 0.5, 2.5, 0.2
"""Inches of a cell's side, at least of the whole matrix's, and of the colour bar's width."""
SMALLEST_SHOWN = 0.005


def confusion_heatmap(confusion: npt.NDArray[np.int64], iou: npt.NDArray[np.float64], names: Sequence[str]) -> "Figure":
    """Share of each true class's pixels (row) that went to each predicted class (column), beside each class's IoU.

    confusion: pixels [C, C]. iou: of each class [C]; NaN for a class that neither occurs nor is predicted.
    """
    from matplotlib.figure import Figure

    names = [shorten(name) for name in names]
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side, labels = max(SMALLEST_SIDE, CELL * len(names)), widest(names)
    left, bottom = labels + 0.55, max(labels, width("IoU")) + 0.55
    size = (max(left + side + 3.6 * CELL + BAR, width(TITLE, 12) + 0.3), bottom + side + 0.5)
    figure = Figure(figsize=size, dpi=100)

    def box(x: float, width: float) -> tuple[float, float, float, float]:
        return (x / size[0], bottom / size[1], width / size[0], side / size[1])

    axis = figure.add_axes(box(left, side))
    shares = axis.imshow(share, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    _write_cells(axis, np.where(share < SMALLEST_SHOWN, np.nan, share))
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="predicted", ylabel="true")
    beside = figure.add_axes(box(left + side + CELL / 4, CELL))
    beside.imshow(iou[:, None], vmin=0, vmax=1, cmap="Greens", aspect="auto")
    _write_cells(beside, iou[:, None])
    beside.set(xticks=[0], xticklabels=["IoU"], yticks=[])
    bar = figure.add_axes(box(left + side + 1.75 * CELL, BAR))
    figure.colorbar(shares, cax=bar, ticks=[0, 0.5, 1], label="share of the true class's pixels")
    figure.text(0.5, 1 - 0.22 / size[1], TITLE, size=12, ha="center", va="center")
    return figure


def _write_cells(axis: Any, shares: npt.NDArray[np.float64]) -> None:
    """Write the fractions that are not NaN, without the zero before the point, so that they can be large."""
    for row, column in zip(*np.nonzero(~np.isnan(shares)), strict=True):
        share = shares[row, column]
        ink = "white" if share > 0.5 else "black"
        axis.text(column, row, f"{share:.2f}".lstrip("0"), ha="center", va="center", fontsize=11, color=ink)
