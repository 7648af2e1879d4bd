"""Scores of a metric with different settings never stand in one column; with the same, they are one score."""

import json
from pathlib import Path

import numpy as np

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.extra_scores import ExtraScore, extra_scores
from segexp.compare.verdict.runs import read_runs
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import CLASSES, evaluation_file, finished_run

NAN = float("nan")


def boundary_scores(folder: Path, *runs: tuple[str, int, float, int]) -> dict[str, ExtraScore]:
    """The boundary scores of runs. runs: loss, seed, width, and pixels of 8 that each class hits on each image."""
    for loss, seed, width, hits in runs:
        run = finished_run(
            folder / f"{loss}{seed}", {"_target_": loss}, seed, boundary_width=width, metrics={"miou": 0.5}
        )
        boundary = np.broadcast_to([hits, 8], (12, len(CLASSES), 2))
        confusions = np.random.default_rng(seed).integers(1, 100, (12, 3, 3))
        npz = evaluation_file(confusions, CLASSES, boundary=boundary)
        write_atomic(run / "evaluation/val/confusion.npz", npz)
    comparable = read_runs(str(folder), "val")
    assert len(comparable.runs) == len(runs)
    extra = extra_scores(compare_variants(comparable, "val"))
    return {each.name: each for each in extra if each.name.startswith("boundary")}


def test_scores_of_one_width_stand_side_by_side(tmp_path: Path) -> None:
    scores = boundary_scores(tmp_path, ("dice", 0, 0.02, 2), ("dice", 1, 0.02, 6), ("focal", 0, 0.02, 1))
    assert list(scores) == ["boundary_miou"]
    assert scores["boundary_miou"].means == [0.5, 0.125]


def test_scores_of_different_widths_have_a_row_each(tmp_path: Path) -> None:
    scores = boundary_scores(tmp_path, ("dice", 0, 0.02, 2), ("focal", 0, 0.05, 1))
    means = {name: score.means for name, score in scores.items()}
    assert json.dumps(means) == json.dumps(
        {"boundary_miou at width 0.02": [0.25, NAN], "boundary_miou at width 0.05": [NAN, 0.125]}
    )


def test_no_mean_is_taken_over_seeds_of_different_widths(tmp_path: Path) -> None:
    scores = boundary_scores(tmp_path, ("dice", 0, 0.02, 2), ("dice", 1, 0.05, 6))
    assert all(np.isnan(score.means).all() for score in scores.values())
