"""The scores of an evaluation as tables for a terminal."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from segexp.display.latex import latex_table
from segexp.metric import scores

NAMES = {"class_accuracy": "class accuracy (mAcc)", "pixel_accuracy": "pixel accuracy (aAcc)"}
"""What papers call a score, beside its name in metrics.json where that differs."""
WORDS = {"miou": "mIoU", "iou": "IoU", "iiou": "iIoU", "ece": "ECE", "dice": "Dice"}
"""How words in the names of scores are written."""


def class_table(
    confusion: scores.Confusion, class_names: Sequence[str], scores_by_name: Mapping[str, float], title: str
) -> Table:
    """List the scores of each class, their means, and the floor to compare the mean IoU with.

    scores_by_name: of the evaluation; those of single classes, `score/class`, get a column each.
    """
    floor = _fraction(scores.majority_class_miou(confusion))
    caption = f"baseline: most frequent class everywhere, mIoU {floor}"
    table = Table(title=title, caption=caption, caption_justify="left", box=SIMPLE, collapse_padding=True)
    headings, rows, means = _class_rows(confusion, class_names, scores_by_name)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "class" else "right", no_wrap=heading == "class")
    for row in rows:
        table.add_row(*row)
    table.add_section()
    table.add_row(*means, style="bold")
    return table


def class_latex(
    confusion: scores.Confusion, class_names: Sequence[str], scores_by_name: Mapping[str, float], title: str
) -> str:
    """The same table as LaTeX."""
    headings, rows, means = _class_rows(confusion, class_names, scores_by_name)
    return latex_table(title, headings, rows, [means])


def _class_rows(
    confusion: scores.Confusion, class_names: Sequence[str], scores_by_name: Mapping[str, float]
) -> tuple[list[str], list[list[str]], list[str]]:
    """The headings, a row for each class, and the means."""
    further = _scores_of_classes(class_names, scores_by_name)
    headings = ["class", "IoU", "precision", "recall", "Dice", "share", *map(_heading, further)]
    iou, dice = scores.class_iou(confusion), scores.class_dice(confusion)
    precision, recall = scores.class_precision(confusion), scores.class_accuracy(confusion)
    columns = (iou, precision, recall, dice)
    rows = []
    for name, *row in zip(class_names, *columns, scores.class_share(confusion), strict=True):
        of_class = (scores_by_name.get(f"{score}/{name}", np.nan) for score in further)
        rows.append([name, *(_fraction(value) for value in (*row, *of_class))])
    means = ["mean", *(_fraction(scores.mean(column)) for column in columns)]
    return headings, rows, [*means, *[""] * (len(headings) - len(means))]


def score_table(scores_by_name: Mapping[str, float], title: str) -> Table:
    """List the scores of a whole split by name; `class_table` has those of single classes."""
    table = Table("score", title=title, box=SIMPLE, collapse_padding=True)
    table.add_column("value", justify="right")
    for name, value in scores_by_name.items():
        if "/" not in name:
            table.add_row(_heading(name), _fraction(value))
    return table


def worst_images(names: Sequence[str], confusions: scores.Confusion, number: int = 3) -> str:
    """The images with the lowest mean IoU, worst first, in one line; empty if none has a score.

    confusions: of the N images, [N, C, C].
    """
    miou = scores.image_miou(confusions)
    scored = np.flatnonzero(~np.isnan(miou))
    worst = scored[np.argsort(miou[scored], kind="stable")][:number]
    listed = ", ".join(f"{names[index]} ({miou[index]:.4f})" for index in worst)
    return f"worst images, by their mean IoU: {listed}" if listed else ""


def _scores_of_classes(class_names: Sequence[str], scores_by_name: Mapping[str, float]) -> list[str]:
    """Scores that are given for classes, and not for something else such as categories; IoU has its column already."""
    parts = [name.partition("/") for name in scores_by_name if "/" in name]
    others = {score for score, _, name in parts if name not in class_names}
    return [score for score in dict.fromkeys(score for score, _, _ in parts) if score not in {"iou", *others}]


def _heading(score: str) -> str:
    return NAMES.get(score, " ".join(WORDS.get(word, word) for word in score.split("_")))


def _fraction(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
