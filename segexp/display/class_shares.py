"""The share of each class in the pixels of a data set."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from segexp.display.text import shorten, widest, width
from segexp.types import Bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS, BAR = 6.0, 0.3
"""Inches of the axis and of a bar."""


def class_shares(shares: Sequence[float], class_names: Sequence[str], colors: Bytes, title: str) -> "Figure":
    """Shares [C] as bars, the largest first, on a logarithmic axis that ends at 100 %: rare classes are the point."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullLocator

    order = np.argsort(shares, kind="stable")[::-1]
    names = [shorten(class_names[index]) for index in order]
    title = shorten(title, 70)
    left, bottom, top = max(widest(names), width(title, 12) - AXIS) + 0.3, 0.6, 0.4
    size = (left + AXIS + 0.4, bottom + BAR * len(names) + top)
    figure = Figure(figsize=size, dpi=100)
    axis = figure.add_axes((left / size[0], bottom / size[1], AXIS / size[0], BAR * len(names) / size[1]))
    least = min((share for share in shares if share > 0), default=0.1)
    axis.set(xscale="log", xlim=(10.0 ** np.floor(np.log10(least / 1.5)), 1), ylim=(len(names) - 0.5, -0.5))
    for row, index in enumerate(order):
        if shares[index] > 0:
            axis.barh(row, shares[index], color=colors[index] / 255, edgecolor="black", linewidth=0.3)
        else:
            axis.text(0.01, row, "no pixel", transform=axis.get_yaxis_transform(), va="center")
    axis.set_yticks(range(len(names)), names)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.10g} %"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(axis="x", alpha=0.4)
    axis.set_axisbelow(True)
    axis.set_xlabel("share of the scored pixels")
    axis.set_title(title, fontsize=12, loc="right")
    return figure
