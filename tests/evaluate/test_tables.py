"""What an evaluation prints: every score, also those of single classes and those without a value."""

import numpy as np
import pytest
from rich.console import Console

from segexp.evaluate.tables import class_latex, class_table, score_table, worst_images

pytestmark = pytest.mark.fast

SCORES = {"miou": 0.5, "width": float("nan"), "iou/road": 0.25, "width/road": 0.125, "category_iou/flat": 0.75}


def printed(table: object) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_scores_of_single_classes_have_a_column_and_those_of_categories_have_not() -> None:
    text = printed(class_table(np.eye(2, dtype=int), ("road", "car"), SCORES, "val"))
    (heading,) = [line for line in text.splitlines() if "Dice" in line]
    assert "width" in heading
    assert "category" not in heading
    (road,) = [line for line in text.splitlines() if line.split()[:1] == ["road"]]
    (car,) = [line for line in text.splitlines() if line.split()[:1] == ["car"]]
    assert "0.1250" in road
    assert car.rstrip(" │").endswith("-")  # this class has no width


def test_precision_and_recall_stand_beside_the_iou() -> None:
    confusion = np.array([[6, 2], [1, 1]])  # rows: true
    text = printed(class_table(confusion, ("road", "car"), {}, "val"))
    cells = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert cells["road"][:4] == [f"{value:.4f}" for value in (6 / 9, 6 / 7, 6 / 8, 12 / 15)]
    assert cells["car"][:4] == [f"{value:.4f}" for value in (1 / 4, 1 / 3, 1 / 2, 2 / 5)]
    assert cells["mean"][:3] == [
        f"{value:.4f}" for value in ((6 / 9 + 1 / 4) / 2, (6 / 7 + 1 / 3) / 2, (6 / 8 + 1 / 2) / 2)
    ]


def test_accuracies_have_the_names_of_papers() -> None:
    text = printed(score_table({"pixel_accuracy": 0.7, "class_accuracy": 0.6, "miou": 0.5}, "val"))
    assert [name in text for name in ("aAcc", "mAcc", "mIoU")] == [True] * 3


def test_the_worst_images_are_named_worst_first_and_unscored_ones_are_not() -> None:
    confusions = np.array([np.diag([1, 1]), [[0, 1], [1, 0]], [[1, 1], [0, 0]], np.zeros((2, 2))], dtype=int)
    said = worst_images(["good", "bad", "half", "void"], confusions, number=2)
    assert said == "worst images, by their mean IoU: bad (0.0000), half (0.5000)"
    assert worst_images(["void"], confusions[3:]) == ""


def test_a_score_without_a_value_is_a_dash() -> None:
    (line,) = [line for line in printed(score_table(SCORES, "val")).splitlines() if "width" in line]
    assert line.rstrip(" │").endswith("-")


def test_latex_has_the_rows_and_columns_of_the_printed_table() -> None:
    latex = class_latex(np.eye(2, dtype=int), ("road", "traffic_sign"), SCORES, "run_1, val")
    rows = [line.split(" & ") for line in latex.splitlines() if line.endswith(r"\\")]
    assert [row[0] for row in rows] == ["class", "road", r"traffic\_sign", "mean"]
    assert {len(row) for row in rows} == {7}
    assert rows[1][-1] == r"0.1250 \\"
