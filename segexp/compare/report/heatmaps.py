"""Heat maps with the number in every cell: class IoU, gains against the baseline, changes of a confusion matrix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from segexp.compare.report.confusion_changes import ConfusionChange
from segexp.compare.report.svg import Drawing, name_rows, wrap
from segexp.compare.verdict.comparison import Row
from segexp.compare.verdict.format import NO_VALUE
from segexp.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALLEST_NUMBER = 0.01
NO_VALUE_COLOR = "#e8e8ec"


def class_score_heatmap(rows: Sequence[Row], class_names: Sequence[str], title: str) -> Drawing:
    """Draw the score of each class for each variant, mean over seeds, 0 to 1. title: of the score, such as IoU."""
    values = np.stack([row.class_scores for row in rows])
    label = f"{title} of {len(class_names)} classes for {len(rows)} variants; figures in variants.csv"
    names = [row.name for row in rows]
    return Drawing("class-iou", label, lambda: _variants_by_class(values, names, class_names, centred=False))


def class_gain_heatmap(rows: Sequence[Row], class_names: Sequence[str], title: str) -> Drawing:
    """Draw the score of each class for each variant minus that of the baseline. title: of the score, such as IoU."""
    values = np.stack([row.class_scores - rows[0].class_scores for row in rows[1:]])
    label = f"Gain or loss in {title} of {len(class_names)} classes against {rows[0].name}"
    names = [row.name for row in rows[1:]]
    return Drawing("class-gain", label, lambda: _variants_by_class(values, names, class_names, centred=True))


def confusion_heatmap(change: ConfusionChange, class_names: Sequence[str]) -> Drawing:
    """Draw the share of a true class's pixels that a variant gives to each class, minus that of the baseline."""
    label = f"Change of the confusion matrix from the baseline to {change.name}; the largest shifts are listed below it"
    return Drawing(f"confusion-{change.number}", label, lambda: _confusion(change.difference, class_names))


def _variants_by_class(values: Floats, names: Sequence[str], class_names: Sequence[str], centred: bool) -> "Figure":
    from matplotlib.figure import Figure

    num_rows, num_columns = values.shape
    figure = Figure(figsize=(2.2 + 0.56 * num_columns, 1.2 + 0.42 * num_rows), layout="constrained")
    axis = _heatmap(figure, values, centred, "{:+.3f}" if centred else "{:.3f}", smallest=0.0)
    labels = [wrap(name, 18, 2) for name in class_names]
    axis.set_xticks(range(num_columns), labels, rotation=40, ha="left", rotation_mode="anchor")
    axis.xaxis.tick_top()
    name_rows(axis, names)
    return figure


def _confusion(difference: Floats, class_names: Sequence[str]) -> "Figure":
    from matplotlib.figure import Figure

    size = 1.4 + 0.36 * len(class_names)
    figure = Figure(figsize=(size, size), layout="constrained")
    axis = _heatmap(figure, difference, centred=True, form="{:+.2f}", smallest=SMALLEST_NUMBER)
    labels = [wrap(name, 18, 2) for name in class_names]
    axis.set_xticks(range(len(labels)), labels, rotation=90)
    name_rows(axis, class_names)
    axis.set(xlabel="predicted (row: true class)")
    return figure


def _heatmap(figure: "Figure", values: Floats, centred: bool, form: str, smallest: float) -> "Axes":
    """Draw coloured cells with their numbers; NaN is grey and a dash. smallest: what is nearer to 0 has no number."""
    import matplotlib

    largest = max(0.01, float(np.nanmax(np.abs(values), initial=0))) if centred else 1.0
    colors = matplotlib.colormaps["RdBu" if centred else "Blues"].with_extremes(bad=NO_VALUE_COLOR)
    axis = figure.subplots()
    edges = [np.arange(length + 1) - 0.5 for length in reversed(values.shape)]  # one centre alone has no size
    masked = np.ma.masked_invalid(values)
    axis.pcolormesh(*edges, masked, vmin=-largest if centred else 0, vmax=largest, cmap=colors, edgecolor="w", lw=0.6)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value) or abs(value) >= smallest:
            text = NO_VALUE if np.isnan(value) else form.format(value).replace("-", "−")
            ink = "white" if abs(value) > 0.6 * largest else "black"
            axis.text(column, row, text, ha="center", va="center", fontsize=7, color=ink, in_layout=False)
    axis.invert_yaxis()
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return axis
