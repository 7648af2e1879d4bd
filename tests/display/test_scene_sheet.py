"""A sheet shows the worst and the best images of a split, whatever the order in which they come."""

from math import nan

import numpy as np
import pytest

from segexp.display.scene_sheet import PANEL_WIDTH, SheetRow, reduce_row, worst_and_best

NOTHING = np.zeros((0, 0), np.uint8)


def rows(*scores: float) -> list[SheetRow]:
    return [SheetRow(str(number), NOTHING, NOTHING, NOTHING, score) for number, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "number", "selected"),
    [
        ((0.5, 0.1, 0.9, 0.3, 0.7), 4, (0.1, 0.3, 0.7, 0.9)),
        ((0.5, 0.1, 0.9, 0.3, 0.7), 3, (0.1, 0.3, 0.9)),
        ((0.5, 0.1, 0.9, 0.3, 0.7), 1, (0.1,)),
        ((0.5, 0.1), 6, (0.1, 0.5)),
        ((0.5, nan, 0.1, nan, 0.9), 2, (0.1, 0.9)),
    ],
)
def test_half_are_the_worst_and_half_the_best(
    scores: tuple[float, ...], number: int, selected: tuple[float, ...]
) -> None:
    assert tuple(row.miou for row in worst_and_best(rows(*scores), number)) == selected


def test_images_without_a_score_are_shown_only_where_there_are_no_others() -> None:
    assert [row.name for row in worst_and_best(rows(nan, nan, nan), 2)] == ["0", "1"]
    assert [row.name for row in worst_and_best(rows(nan, 0.5, nan), 2)] == ["1", "0"]


def test_one_row_at_a_time_selects_the_same_as_all_at_once() -> None:
    scores = np.random.default_rng(0).random(40).round(1)  # many are equal
    scores[::7] = nan
    selected: list[SheetRow] = []
    for row in rows(*scores.tolist()):
        selected = worst_and_best([*selected, row], 6)
    expected = worst_and_best(rows(*scores.tolist()), 6)
    assert [row.miou for row in selected] == [row.miou for row in expected]


def test_a_reduced_row_keeps_its_proportions_and_its_classes() -> None:
    ids = np.repeat(np.array([[3, 7]], np.uint8), 1024, 1).repeat(1024, 0)
    row = reduce_row(SheetRow("name", np.stack([ids] * 3, -1), ids, ids[:, ::-1], 0.4))
    assert row.target.shape == row.prediction.shape == row.image.shape[:2] == (PANEL_WIDTH // 2, PANEL_WIDTH)
    assert np.unique(row.target).tolist() == [3, 7]
    assert (row.name, row.miou) == ("name", 0.4)
