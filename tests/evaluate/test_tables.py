"""What an evaluation prints: every score, also those of single classes and those without a value."""

import numpy as np
import pytest
from rich.console import Console

from segexp.evaluate.tables import class_table, score_table

pytestmark = pytest.mark.fast

SCORES = {"miou": 0.5, "precision": float("nan"), "iou/road": 0.25, "precision/road": 0.125, "category_iou/flat": 0.75}


def printed(table: object) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_scores_of_single_classes_have_a_column_and_those_of_categories_have_not() -> None:
    text = printed(class_table(np.eye(2, dtype=int), ("road", "car"), SCORES, "val"))
    (heading,) = [line for line in text.splitlines() if "Dice" in line]
    assert "precision" in heading
    assert "category" not in heading
    (road,) = [line for line in text.splitlines() if "road" in line]
    (car,) = [line for line in text.splitlines() if " car " in line]
    assert "0.1250" in road
    assert car.rstrip(" │").endswith("-")  # this class has no precision


def test_a_score_without_a_value_is_a_dash() -> None:
    (line,) = [line for line in printed(score_table(SCORES, "val")).splitlines() if "precision" in line]
    assert line.rstrip(" │").endswith("-")
