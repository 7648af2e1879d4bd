"""The curves of a training, from the rows of its metrics.jsonl."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import TYPE_CHECKING, Any

from segexp.display.text import draw_legend, legend_height, shorten
from segexp.types import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, PLOTS = 11.0, 7.0
"""Inches of the figure, and of the height of its four plots."""
SMALL = 9.0
PALETTE = tuple(f"C{number}" for number in range(10))
"""Of the curves of classes: matplotlib's own, as the colours of a grouping may be alike."""
STYLES = ("-", "--", ":", "-.")
"""Of the curves of classes: one for each ten of them."""


def is_validated_each_epoch(validated: Sequence[Values]) -> bool:
    """Whether epochs count validations. validated: the rows with scores, of which there is one at least."""
    return len(validated) == validated[-1]["epoch"] + 1


def learning_curves(history: Sequence[Values], name: str, class_names: Sequence[str]) -> "Figure":
    """Loss, mean IoU with the best validation marked, learning rate, and IoU of each class on the validation split.

    history: see `RunFolder.history`. name: of the run.
    """
    from matplotlib.figure import Figure

    validated = [row for row in history if "val/miou" in row]
    best = max(validated, key=lambda row: row["val/miou"], default=None)
    in_epochs = not validated or is_validated_each_epoch(validated)
    classes = [f"{shorten(each)} {_fraction(best, f'val/iou/{each}')}" for each in class_names]
    height = PLOTS + legend_height(classes, WIDTH, SMALL)
    figure = Figure(
        figsize=(WIDTH, height), dpi=100
    )  # margins that fit, as a layout engine would draw everything twice
    bottom = (0.55 + height - PLOTS) / height
    figure.subplots_adjust(left=0.07, right=0.98, bottom=bottom, top=1 - 0.75 / height, wspace=0.16, hspace=0.34)
    (loss, miou), (rate, of_classes) = figure.subplots(2, 2)
    figure.text(0.5, 1 - 0.2 / height, shorten(name, 90), ha="center", va="center", size=12)
    for axis, score in ((loss, "loss"), (miou, "miou")):
        for split in ("train", "val"):
            _draw(axis, history, f"{split}/{score}", in_epochs, label=split)
    if best:
        _mark(miou, best, in_epochs)
    _draw(rate, history, "train/lr", False, color="C2", ms=0)
    rate.set_ylim(bottom=0)
    looks = cycle(product(STYLES, PALETTE))
    for each, (style, color) in zip(class_names, looks, strict=False):
        _draw(of_classes, history, f"val/iou/{each}", in_epochs, style, color=color)
    count = "epoch" if in_epochs else "optimizer step"
    for axis, title, along in (
        (loss, "loss", count),
        (miou, "mean IoU", count),
        (rate, "learning rate", "optimizer step"),
        (of_classes, f"val IoU per class (legend: value at the best {'epoch' if in_epochs else 'step'})", count),
    ):
        _label(axis, title, along)
    draw_legend(figure, of_classes.get_lines(), classes, SMALL)
    return figure


def _fraction(row: Values | None, score: str) -> str:
    return f"{row[score]:.3f}" if row and score in row else "-"


def _draw(
    axis: "Axes", history: Sequence[Values], score: str, in_epochs: bool, style: str = "-", **options: Any
) -> None:
    rows = [row for row in history if score in row]
    if not rows and "label" in options:  # nothing to name
        return
    options = {"marker": "o", "ms": 3, **options}
    axis.plot([_place(row, in_epochs) for row in rows], [row[score] for row in rows], style, **options)


def _place(row: Values, in_epochs: bool) -> int:
    """Count from 1, as the output of a training does."""
    return (row["epoch"] if in_epochs else row["step"]) + 1


def _mark(axis: "Axes", best: Values, in_epochs: bool) -> None:
    place, score = _place(best, in_epochs), best["val/miou"]
    label = f"best val: {score:.4f}, {'epoch' if in_epochs else 'step'} {place}"
    axis.plot([place], [score], "*", color="C3", ms=12, label=label)


def _label(axis: "Axes", title: str, along: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title, fontsize=11)
    axis.set_xlabel(along)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend()
