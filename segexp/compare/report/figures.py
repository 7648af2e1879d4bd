"""Differences with their intervals, and learning curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segexp.compare.report.curves import Curve
from segexp.compare.report.svg import Drawing, wrapped
from segexp.compare.verdict.comparison import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"better": "#0060a8", "worse": "#b5480a"}
UNDECIDED = "#5f6570"
MARKERS = {"better": "^", "worse": "v"}
CYCLE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7b4fb5")  # after Okabe and Ito 2008


def intervals(rows: Sequence[Row]) -> Drawing:
    """Difference of each variant from the baseline, 95 % interval, and the difference of each seed as a dot."""
    found = [row for row in rows if row.difference]
    label = f"Difference of {len(found)} variants from {rows[0].name} with 95 % intervals; figures in the table above"
    return Drawing("intervals", label, lambda: _intervals(found, rows[0]), fits=True)


def learning_curves(curves: Sequence[Curve], baseline: str) -> Drawing:
    """Mean over seeds as a line, least to most as a band. baseline: its name; it may have no curve."""
    label = f"Validation mIoU by epoch of {', '.join(curve.name for curve in curves)}"
    return Drawing("curves", label, lambda: _learning_curves(curves, baseline), fits=True)


def _intervals(rows: Sequence[Row], baseline: Row) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.9 + 0.5 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0, color="#222", linewidth=1)
    for height, row in enumerate(rows):
        assert row.difference  # the caller chose those that have one
        value, low, high = row.difference[:3]
        color = COLORS.get(row.verdict, UNDECIDED)
        axis.hlines(height, low, high, color=color, linewidth=2)
        pairs = _pairs(row, baseline)
        axis.plot(pairs, [height + 0.2] * len(pairs), ".", color=color, alpha=0.6, markersize=5)
        axis.plot(value, height, MARKERS.get(row.verdict, "o"), color=color, markersize=7)
        axis.text(0.005, height - 0.22, wrapped(row.name, 80, 1), transform=axis.get_yaxis_transform(), va="bottom")
    axis.set(ylim=(len(rows) - 0.4, -0.75), xlabel=f"difference in mIoU from {wrapped(baseline.name, 80, 1)}")
    axis.grid(axis="x", alpha=0.3)
    axis.spines["left"].set_visible(False)
    axis.set_yticks([])
    return figure


def _pairs(row: Row, baseline: Row) -> list[float]:
    theirs = dict(zip(baseline.seeds, baseline.miou, strict=True))
    return [miou - theirs[seed] for seed, miou in zip(row.seeds, row.miou, strict=True) if seed in theirs]


def _learning_curves(curves: Sequence[Curve], baseline: str) -> "Figure":
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
    names = [wrapped(curve.name, 44, 2) for curve in curves]
    figure.legend(lines, names, loc="outside lower left", ncols=2, frameon=False)
    return figure
