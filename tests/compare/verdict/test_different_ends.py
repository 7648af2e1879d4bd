"""Trainings that ended after different shares of their steps are compared with a warning."""

from pathlib import Path

import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from segexp.run.folder import RunFolder
from tests.compare.verdict.run_folders import finished_run

pytestmark = pytest.mark.fast


def warnings(folder: Path, **shares: list[float | None]) -> list[str]:
    """What is said of the ends. shares: loss -> the share of each seed."""
    for loss, of_seeds in shares.items():
        for seed, share in enumerate(of_seeds):
            run = RunFolder(finished_run(folder / f"{loss}{seed}", {"_target_": loss}, seed))
            run.write_status("finished", ended="said at the end", trained_share=share)
    said = sentences(compare_variants(read_runs(str(folder), "val"), "val", "dice"))
    return [each for each in said if each.startswith("Some trainings ended early")]


def test_the_shares_of_those_that_ended_before_the_others_are_said(tmp_path: Path) -> None:
    (said,) = warnings(tmp_path, dice=[1.0, 1.0], focal=[0.34, 0.6], lovasz=[0.5, 0.5])
    assert "focal (0.34 to 0.60), lovasz (0.50)" in said
    assert "dice" not in said


@pytest.mark.parametrize("other", [[1.0, 1.0], [None, None]])
def test_nothing_is_said_where_all_ended_alike_or_do_not_tell(tmp_path: Path, other: list[float | None]) -> None:
    assert warnings(tmp_path, dice=[1.0, 1.0], focal=other) == []
