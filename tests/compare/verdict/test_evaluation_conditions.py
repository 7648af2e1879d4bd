"""A run that was evaluated under other conditions is named with what differs, however long the lists are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segexp.compare.verdict.evaluated_run import Run, read_run
from segexp.compare.verdict.evaluation_conditions import differing_conditions, evaluation_conditions
from segexp.compare.verdict.run_pair import read_run_pair
from segexp.compare.verdict.runs import read_runs
from tests.compare.verdict.run_folders import CLASSES, finished_run, matrices, write_evaluation

NAMES = [f"frankfurt_{number:06}_000294_leftImg8bit" for number in range(12)]


@pytest.fixture
def usual(tmp_path: Path) -> Run:
    run = read_run(finished_run(tmp_path / "usual", {"_target_": "dice"}, 0), "val")
    assert isinstance(run, Run)
    return run


def differences(usual: Run, **changed: tuple[Any, Any]) -> list[str]:
    """What two evaluations differ in. changed: condition -> its value in the one and in the usual one."""
    conditions = evaluation_conditions(usual)
    one, other = (conditions | {key: values[side] for key, values in changed.items()} for side in (0, 1))
    return differing_conditions(one, other)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([*NAMES, "munich"], "13 images instead of 12, first other: munich"),
        (NAMES[1:], f"11 images instead of 12, first missing: {NAMES[0]}"),
        ([*NAMES[:7], "ulm", "munich"], f"9 images instead of 12, first other: ulm, first missing: {NAMES[7]}"),
        ([*NAMES[:7], "ulm", *NAMES[8:]], f"1 of 12 images, first other: ulm, first missing: {NAMES[7]}"),
        (NAMES[::-1], "images in another order"),
    ],
)
def test_of_long_lists_the_first_that_differs_is_named(usual: Run, images: list[str], words: str) -> None:
    assert differences(usual, images=(tuple(images), tuple(NAMES))) == [words]


def test_short_conditions_are_named_in_full(usual: Run) -> None:
    assert differences(usual, classes=(("road", "car"), ("road", "sky"))) == [
        "classes [road, car] instead of [road, sky]"
    ]


def test_two_long_conditions_are_both_cut(usual: Run) -> None:
    (text,) = differences(usual, inference=("a" * 500, "b" * 500))
    assert text == f"inference {'a' * 89}… instead of {'b' * 89}…"


def test_the_reason_of_a_run_that_is_left_out_says_what_differs(tmp_path: Path) -> None:
    for seed in (0, 1):
        finished_run(tmp_path / f"usual{seed}", {"_target_": "dice"}, seed)
    run = finished_run(tmp_path / "other", {"_target_": "dice"}, 2)
    (run / "evaluation/val/confusion.npz").unlink()
    confusions = np.ones((13, 3, 3), np.int64)
    write_evaluation(run, matrices(confusions, CLASSES))
    ((_, reason),) = read_runs(str(tmp_path), "val").skipped
    assert reason == "evaluated with other settings: 13 images instead of 12, first other: frankfurt_000012_000294"


@pytest.fixture
def precisions(tmp_path: Path) -> list[Path]:
    """Runs of an earlier version, which said nothing, of a version that named it otherwise, and of today."""
    facts: list[dict[str, Any]] = [{}, {"inference": {"precision": "bfloat16"}}, {"precision": "bfloat16"}]
    return [finished_run(tmp_path / str(seed), {"_target_": "dice"}, seed, **each) for seed, each in enumerate(facts)]


def test_evaluations_in_different_precisions_are_mixed_on_request_only(precisions: list[Path]) -> None:
    folder = str(precisions[0].parent)
    runs, skipped = read_runs(folder, "val")
    assert [run.path for run in runs] == precisions[1:]
    words = "precision float32 instead of bfloat16 (mix_precisions=true compares them anyway)"
    assert skipped == [(precisions[0], f"evaluated with other settings: {words}")]
    assert len(read_runs(folder, "val", mix_precisions=True).runs) == 3


def test_two_runs_in_different_precisions_are_compared_on_request_only(precisions: list[Path]) -> None:
    earlier, named, today = precisions
    assert read_run_pair(named, today, "val").difference
    with pytest.raises(ValueError, match="precision bfloat16 instead of float32 .mix_precisions=true compares"):
        read_run_pair(earlier, today, "val")
    assert read_run_pair(earlier, today, "val", mix_precisions=True).difference
