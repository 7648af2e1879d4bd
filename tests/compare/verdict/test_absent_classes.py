"""A class that no image has: left out of every mean where nobody predicts it, 0 and named where somebody does."""

from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from tests.compare.verdict.run_folders import finished_run, matrices, write_evaluation

CLASSES = ("road", "car", "sky")


def run_without_sky(folder: Path, loss: str, seed: int, num_sky: int) -> None:
    """Write a run on images without sky. num_sky: pixels of each image that are taken for sky."""
    finished_run(folder, {"_target_": loss}, seed)
    confusions = np.tile(np.array([[90, 10, num_sky], [10, 90, 0], [0, 0, 0]]), (12, 1, 1))
    confusions[:, 0, 0] += np.arange(12) + seed
    (folder / "evaluation/val/confusion.npz").unlink()
    write_evaluation(folder, matrices(confusions, CLASSES))


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    for seed in range(3):
        run_without_sky(tmp_path / f"dice{seed}", "dice", seed, 0)
        run_without_sky(tmp_path / f"focal{seed}", "focal", seed, 5 if seed == 1 else 0)
        run_without_sky(tmp_path / f"hinge{seed}", "hinge", seed, 0)
    return compare_variants(read_runs(str(tmp_path), "val"), "val", "dice")


def test_one_seed_that_predicts_it_is_seen_in_the_mean_over_seeds(comparison: Comparison) -> None:
    iou = {row.name: row.class_scores for row in comparison.rows}
    assert iou["loss=focal"][2] == 0
    assert np.isnan(iou["loss=dice"][2])
    assert np.isnan(iou["loss=hinge"][2])
    assert not np.isnan([values[:2] for values in iou.values()]).any()


def test_it_is_named_with_those_that_predict_it(comparison: Comparison) -> None:
    assert "Predicted but in no image, which counts as IoU 0: sky (by focal)." in sentences(comparison)


def test_where_nobody_predicts_it_nothing_is_said(tmp_path: Path) -> None:
    for loss in ("dice", "focal"):
        for seed in range(2):
            run_without_sky(tmp_path / f"{loss}{seed}", loss, seed, 0)
    assert "Predicted but in no image" not in " ".join(
        sentences(compare_variants(read_runs(str(tmp_path), "val"), "val"))
    )
