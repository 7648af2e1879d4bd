"""Differences from the baseline with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segexp.compare.report.svg import Drawing, wrap
from segexp.compare.verdict.comparison import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"better": "#0060a8", "worse": "#b5480a"}
UNDECIDED = "#5f6570"
MARKERS = {"better": "^", "worse": "v"}


def interval_plot(rows: Sequence[Row], title: str) -> Drawing:
    """Difference of each variant from the baseline, 95 % interval, and the difference of each seed as a dot.

    title: of the score.
    """
    others = [row for row in rows if row.difference]
    label = f"Difference of {len(others)} variants from {rows[0].name} with 95 % intervals; figures in the table above"
    return Drawing("intervals", label, lambda: _figure(others, rows[0], title), fits=True)


def _figure(rows: Sequence[Row], baseline: Row, title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.9 + 0.5 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0, color="#222", linewidth=1)
    for height, row in enumerate(rows):
        assert row.difference  # interval_plot chose those that have one
        value, low, high = row.difference[:3]
        color = COLORS.get(row.verdict, UNDECIDED)
        axis.hlines(height, low, high, color=color, linewidth=2)
        differences = _seed_differences(row, baseline)
        axis.plot(differences, [height + 0.2] * len(differences), ".", color=color, alpha=0.6, markersize=5)
        axis.plot(value, height, MARKERS.get(row.verdict, "o"), color=color, markersize=7)
        axis.text(0.005, height - 0.22, wrap(row.name, 80, 1), transform=axis.get_yaxis_transform(), va="bottom")
    axis.set(ylim=(len(rows) - 0.4, -0.75), xlabel=f"difference in {title} from {wrap(baseline.name, 80, 1)}")
    axis.grid(axis="x", alpha=0.3)
    axis.spines["left"].set_visible(False)
    axis.set_yticks([])
    return figure


def _seed_differences(row: Row, baseline: Row) -> list[float]:
    theirs = dict(zip(baseline.seeds, baseline.scores, strict=True))
    return [score - theirs[seed] for seed, score in zip(row.seeds, row.scores, strict=True) if seed in theirs]
