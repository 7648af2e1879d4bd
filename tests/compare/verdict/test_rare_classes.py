"""A class that few images have is named, whatever anybody takes for it."""

from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from tests.compare.verdict.run_folders import finished_run, matrices, write_evaluation


@pytest.mark.parametrize("num_taken_for_it", [0, 7])
@pytest.mark.parametrize(("num_images", "is_rare"), [(3, True), (9, True), (10, False), (12, False)])
def test_a_class_on_few_images_is_named(tmp_path: Path, num_taken_for_it: int, num_images: int, is_rare: bool) -> None:
    for loss in ("dice", "focal"):
        for seed in range(2):
            folder = finished_run(tmp_path / f"{loss}{seed}", {"_target_": loss}, seed)
            confusions = np.tile([[90, 10, num_taken_for_it], [10, 90, 0], [0, 0, 0]], (12, 1, 1))
            confusions[:num_images, 2, 2] = 20
            (folder / "evaluation/val/confusion.npz").unlink()
            write_evaluation(folder, matrices(confusions, ("road", "car", "rider")))
    text = " ".join(sentences(compare_variants(read_runs(str(tmp_path), "val"), "val")))
    assert ("On fewer than 10 images: rider." in text) == is_rare
