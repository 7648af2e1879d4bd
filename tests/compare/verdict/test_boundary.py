"""Boundary scores of different widths never stand in one column; at one width they are those of the evaluations."""

from pathlib import Path

import numpy as np

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.extra_scores import ExtraScores, extra_scores
from segexp.compare.verdict.runs import read_runs
from tests.compare.verdict.run_folders import finished_run


def scores_of(folder: Path, *runs: tuple[str, int, float, float]) -> ExtraScores:
    """The extra scores of runs. runs: loss, seed, width, and boundary score of each."""
    for loss, seed, width, score in runs:
        metrics = {"miou": 0.5, "ece": 0.25, "boundary_miou": score, "boundary_iou/road": score}
        finished_run(folder / f"{loss}{seed}", {"_target_": loss}, seed, boundary_width=width, metrics=metrics)
    comparable = read_runs(str(folder), "val")
    assert len(comparable.runs) == len(runs)
    return extra_scores(compare_variants(comparable, "val"))


def test_scores_of_one_width_stand_side_by_side(tmp_path: Path) -> None:
    names, means = scores_of(tmp_path, ("dice", 0, 0.02, 0.25), ("dice", 1, 0.02, 0.75), ("focal", 0, 0.02, 0.125))
    assert names == ["ece", "boundary_miou"]
    assert means.tolist() == [[0.25, 0.5], [0.25, 0.125]]


def test_scores_of_different_widths_have_a_column_each(tmp_path: Path) -> None:
    names, means = scores_of(tmp_path, ("dice", 0, 0.02, 0.25), ("focal", 0, 0.05, 0.125))
    assert names == ["ece", "boundary_miou at width 0.02", "boundary_miou at width 0.05"]
    assert np.array_equal(means, [[0.25, 0.25, np.nan], [0.25, np.nan, 0.125]], equal_nan=True)


def test_no_mean_is_taken_over_seeds_of_different_widths(tmp_path: Path) -> None:
    means = scores_of(tmp_path, ("dice", 0, 0.02, 0.25), ("dice", 1, 0.05, 0.75)).means
    assert np.array_equal(means, [[0.25, np.nan, np.nan]], equal_nan=True)
