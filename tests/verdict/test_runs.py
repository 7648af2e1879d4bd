"""Run folders are read, named by what varies, and left out with a reason."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segexp.files import write_whole
from segexp.verdict.comparison import compare
from segexp.verdict.runs import read_runs
from segexp.verdict.variants import variants

CLASSES = ("road", "car", "sky")


def finished_run(
    folder: Path, loss: dict[str, Any], seed: int, quality: float = 0.7, state: str = "finished", **facts: Any
) -> Path:
    """What a training and its evaluation leave, as far as a comparison reads it."""
    write_whole(folder / "config.yaml", json.dumps({"seed": seed, "loss": loss, "optimizer": {"lr": 0.1}}))
    write_whole(folder / "environment.json", json.dumps({"choices": {"loss": loss["_target_"], "model": "unet"}}))
    write_whole(folder / "status.json", json.dumps({"state": state}))
    rng = np.random.default_rng([seed, int(1000 * quality)])
    confusions = rng.integers(1, 100, (12, 3, 3)) + np.eye(3, dtype=int) * int(1000 * quality)
    matrices = io.BytesIO()
    np.savez_compressed(matrices, confusions=confusions, names=[f"{n:02}" for n in range(12)], classes=CLASSES)
    write_whole(folder / "evaluation/val/confusion.npz", matrices.getvalue())
    write_whole(folder / "evaluation/val/metrics.json", json.dumps({"checkpoint": "best", **facts}))
    return folder


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for seed in (0, 1, 2):
        finished_run(tmp_path / f"a{seed}", {"_target_": "focal"}, seed, 0.5)
        finished_run(tmp_path / f"b{seed}", {"_target_": "lovasz_beta", "a": 2.0}, seed, 0.9)
        finished_run(tmp_path / f"c{seed}", {"_target_": "lovasz_beta", "a": 9.0}, seed, 0.5)
    return tmp_path


def test_variants_are_named_by_what_varies(sweep: Path) -> None:
    named = variants(read_runs(str(sweep), "val").runs)
    assert list(named) == ["loss=focal", "loss=lovasz_beta loss.a=2", "loss=lovasz_beta loss.a=9"]
    assert all(sorted(runs) == [0, 1, 2] for runs in named.values())


def test_the_verdict_tells_better_from_undecided(sweep: Path) -> None:
    first, better, same = compare(variants(read_runs(str(sweep), "val").runs), "focal")
    assert first.difference is None
    assert better.verdict == "better"
    assert same.verdict == "undecided"


def test_a_baseline_that_fits_several_variants_is_refused(sweep: Path) -> None:
    with pytest.raises(ValueError, match=r"baseline is 'lovasz'.*loss.a=2.*loss.a=9"):
        compare(variants(read_runs(str(sweep), "val").runs), "lovasz")


def test_an_option_is_not_taken_for_one_that_begins_with_it(tmp_path: Path) -> None:
    for loss in ("dice", "dice_to_iou"):
        finished_run(tmp_path / loss, {"_target_": loss}, 0)
    assert compare(variants(read_runs(str(tmp_path), "val").runs), "dice")[0].name == "loss=dice"


def test_runs_of_one_seed_get_no_verdict(tmp_path: Path) -> None:
    finished_run(tmp_path / "a", {"_target_": "focal"}, 0, 0.5)
    finished_run(tmp_path / "b", {"_target_": "dice"}, 0, 0.9)
    assert compare(variants(read_runs(str(tmp_path), "val").runs))[1].verdict == "one seed: nothing can be said"


def test_runs_that_cannot_be_compared_are_named_with_the_reason(sweep: Path) -> None:
    finished_run(sweep / "d0", {"_target_": "dice"}, 0, state="failed")
    finished_run(sweep / "e0", {"_target_": "dice"}, 0, checkpoint="last")
    finished_run(sweep / "f0", {"_target_": "dice"}, 0)
    (sweep / "f0/evaluation/val/confusion.npz").unlink()
    finished_run(sweep / "a00", {"_target_": "focal"}, 0, 0.6)
    reasons = {path.name: reason for path, reason in read_runs(str(sweep), "val").left_out}
    assert reasons.keys() == {"d0", "e0", "f0", "a0"}
    assert "failed" in reasons["d0"]
    assert "checkpoint last instead of best" in reasons["e0"]
    assert "segexp.evaluate" in reasons["f0"]
    assert "same configuration and seed" in reasons["a0"]


def test_files_of_loggers_inside_a_run_are_no_runs(sweep: Path) -> None:
    write_whole(sweep / "a0/wandb/files/config.yaml", "{}")
    assert len(read_runs(str(sweep), "val").runs) == 9


def test_a_pattern_takes_the_runs_that_match(sweep: Path) -> None:
    assert {run.path.name for run in read_runs(str(sweep / "[ab]*"), "val").runs} == {
        f"{n}{s}" for n in "ab" for s in "012"
    }


def test_no_run_at_all_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_runs(str(tmp_path), "val")
