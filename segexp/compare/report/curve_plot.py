"""Learning curves: mean over seeds as a line, least to most as a band."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segexp.compare.report.curves import Curve
from segexp.compare.report.svg import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CYCLE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7b4fb5")  # after Okabe and Ito 2008
OF_BASELINE = "#111111"


def curve_plot(curves: Sequence[Curve], baseline: str) -> Drawing:
    """Draw the curves, that of the baseline dashed. baseline: its name; it may have no curve."""
    label = f"Validation mIoU by epoch of {', '.join(curve.name for curve in curves)}"
    return Drawing("curves", label, lambda: _figure(curves, baseline))


def curve_colors(curves: Sequence[Curve], baseline: str) -> list[tuple[str, str]]:
    """The name of each curve and its colour in CSS, for the legend."""
    colors = iter(CYCLE)
    return [(curve.name, OF_BASELINE if curve.name == baseline else next(colors)) for curve in curves]


def _figure(curves: Sequence[Curve], baseline: str) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(4.6, 3.0), layout="constrained")  # narrow, so that letters can be read on a phone
    axis = figure.subplots()
    for curve, (name, color) in zip(curves, curve_colors(curves, baseline), strict=True):
        fill, outline = (color, 0.05), (color, 0.45)  # outlined, as overlapping fills mix to grey
        axis.fill_between(curve.epochs, curve.low, curve.high, facecolor=fill, edgecolor=outline, linewidth=0.6)
        style = "--" if name == baseline else "-"
        axis.plot(curve.epochs, curve.mean, style, color=color, linewidth=1.6, marker=".", markersize=4)
    axis.set(xlabel="epoch", ylabel="mIoU on the validation split")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    return figure
