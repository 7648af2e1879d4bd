"""Learning curves: mean over seeds as a line, least to most as a band."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segexp.compare.report.curves import Curve
from segexp.compare.report.svg import Drawing, wrap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CYCLE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7b4fb5")  # after Okabe and Ito 2008


def curve_plot(curves: Sequence[Curve], baseline: str) -> Drawing:
    """Draw the curves, that of the baseline dashed. baseline: its name; it may have no curve."""
    label = f"Validation mIoU by epoch of {', '.join(curve.name for curve in curves)}"
    return Drawing("curves", label, lambda: _figure(curves, baseline), fits=True)


def _figure(curves: Sequence[Curve], baseline: str) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.5, 4.0 + 0.24 * len(curves)), layout="constrained")
    axis = figure.subplots()
    lines, colors = [], iter(CYCLE)
    for curve in curves:
        color, style = ("#111", "--") if curve.name == baseline else (next(colors), "-")
        axis.fill_between(curve.epochs, curve.low, curve.high, color=color, alpha=0.13, linewidth=0)
        lines += axis.plot(curve.epochs, curve.mean, style, color=color, linewidth=1.8, marker=".", markersize=4)
    axis.set(xlabel="epoch", ylabel="mIoU on the validation split")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    names = [wrap(curve.name, 44, 2) for curve in curves]
    figure.legend(lines, names, loc="outside lower left", ncols=2, frameon=False)
    return figure
