"""A run that was evaluated otherwise is told from the usual ones by what differs, however long their lists are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segexp.compare.verdict.evaluated import Run, evaluated_as, otherwise, read_run
from segexp.compare.verdict.runs import read_runs
from tests.compare.verdict.run_folders import CLASSES, finished_run, matrices, write_evaluation

NAMES = [f"frankfurt_{number:06}_000294_leftImg8bit" for number in range(12)]


@pytest.fixture
def usual(tmp_path: Path) -> Run:
    found = read_run(finished_run(tmp_path / "usual", {"_target_": "dice"}, 0), "val")
    assert isinstance(found, Run)
    return found


def told(usual: Run, **changed: Any) -> list[str]:
    """Of two evaluations whose facts are these; each is (found, usual)."""
    return otherwise(*(evaluated_as(usual) | {key: pair[side] for key, pair in changed.items()} for side in (0, 1)))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([*NAMES, "munich"], "13 images instead of 12, first other: munich"),
        (NAMES[1:], f"11 images instead of 12, first missing: {NAMES[0]}"),
        ([*NAMES[:7], "ulm", "munich"], f"9 images instead of 12, first other: ulm, first missing: {NAMES[7]}"),
        ([*NAMES[:7], "ulm", *NAMES[8:]], f"1 of 12 images, first other: ulm, first missing: {NAMES[7]}"),
        (NAMES[::-1], "images in another order"),
    ],
)
def test_of_long_lists_the_first_that_differs_is_named(usual: Run, found: list[str], words: str) -> None:
    assert told(usual, images=(tuple(found), tuple(NAMES))) == [words]


def test_short_facts_are_told_in_full(usual: Run) -> None:
    assert told(usual, classes=(("road", "car"), ("road", "sky"))) == ["classes [road, car] instead of [road, sky]"]


def test_of_long_facts_both_are_told_in_part(usual: Run) -> None:
    (said,) = told(usual, inference=("a" * 500, "b" * 500))
    assert said == f"inference {'a' * 89}… instead of {'b' * 89}…"


def test_the_reason_of_a_run_that_is_left_out_says_otherwise_than_what(tmp_path: Path) -> None:
    for seed in (0, 1):
        finished_run(tmp_path / f"usual{seed}", {"_target_": "dice"}, seed)
    run = finished_run(tmp_path / "other", {"_target_": "dice"}, 2)
    (run / "evaluation/val/confusion.npz").unlink()
    confusions = np.ones((13, 3, 3), np.int64)
    write_evaluation(run, matrices(confusions, CLASSES))
    ((_, reason),) = read_runs(str(tmp_path), "val").left_out
    assert reason == "evaluated otherwise: 13 images instead of 12, first other: frankfurt_000012_000294"
