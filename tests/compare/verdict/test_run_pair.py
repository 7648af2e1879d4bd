"""Two runs side by side: all that differs is listed and nothing else, and scores are those of the matrices."""

import json
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.run_pair import RunPair, SettingDifference, read_run_pair, setting_differences
from segexp.compare.verdict.text.run_pair import pair_sentences, score_title
from segexp.metric import scores
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import CLASSES, finished_run, matrices, write_evaluation


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    return (
        finished_run(tmp_path / "a", {"_target_": "focal", "gamma": 2.0}, 0, 0.5),
        finished_run(tmp_path / "b", {"_target_": "dice", "smooth": None}, 1, 0.9),
    )


@pytest.fixture
def pair(runs: tuple[Path, Path]) -> RunPair:
    return read_run_pair(*runs, "val")


def test_every_setting_that_differs_is_listed_the_seed_too(pair: RunPair) -> None:
    assert pair.settings == [
        SettingDifference("loss", "focal", "dice"),
        SettingDifference("seed", "0", "1"),
        SettingDifference("loss._target_", "focal", "dice"),
        SettingDifference("loss.gamma", "2.0", "-"),
        SettingDifference("loss.smooth", "-", "null"),
    ]


def test_commit_changed_files_packages_and_hardware_that_differ_are_listed(runs: tuple[Path, Path]) -> None:
    same = {"choices": {}, "command": ["x"], "python": "3.11"}
    of_a = {"git": {"commit": "abc", "changed_files": ["M segexp/run.py"]}, "packages": {"torch": "2.11", "rich": "14"}}
    of_b = {
        "git": {"commit": "abd", "changed_files": []},
        "packages": {"torch": "2.12"},
        "hardware": {"gpus": ["H100"]},
    }
    for run, environment in zip(runs, (of_a, of_b), strict=True):
        write_atomic(run / "environment.json", json.dumps(same | {"command": [str(run)]} | environment))
    assert read_run_pair(*runs, "val").environment == [
        SettingDifference("git.commit", "abc", "abd"),
        SettingDifference("packages.torch", "2.11", "2.12"),
        SettingDifference("packages.rich", "14", "-"),
        SettingDifference("changed file segexp/run.py", "M", "-"),
        SettingDifference("hardware.gpus", "-", "['H100']"),
    ]


def test_a_run_outside_a_checkout_is_compared(runs: tuple[Path, Path]) -> None:
    write_atomic(runs[0] / "environment.json", json.dumps({"choices": {}, "git": None}))
    assert SettingDifference("git", "null", "-") in read_run_pair(*runs, "val").environment


def test_equal_values_differ_in_nothing() -> None:
    assert setting_differences({"a": 1, "b": None}, {"a": 1, "b": None}) == []


def test_scores_are_those_of_the_summed_matrices(pair: RunPair) -> None:
    by_name = {score.name: score for score in pair.scores}
    assert list(by_name) == ["mIoU", "pixel accuracy", *CLASSES]
    for run, side in ((pair.a, "a"), (pair.b, "b")):
        assert getattr(by_name["pixel accuracy"], side) == scores.pixel_accuracy(run.confusion)
        assert [getattr(by_name[name], side) for name in CLASSES] == scores.class_iou(run.confusion).tolist()
    assert pair.difference.value == pytest.approx(by_name["mIoU"].difference)
    assert pair.difference.low < pair.difference.value < pair.difference.high
    assert np.isnan(pair.difference.p_value)


def test_the_image_with_the_largest_gain_comes_first(runs: tuple[Path, Path]) -> None:
    confusions = np.random.default_rng(0).integers(1, 100, (9, 3, 3))
    changed = confusions.copy()
    changed[4] = np.diag(confusions[4].sum(1))
    changed[7] = np.roll(changed[4], 1, axis=1)
    for run, each in zip(runs, (confusions, changed), strict=True):
        write_evaluation(run, matrices(each, CLASSES))
    images = read_run_pair(*runs, "val").images
    assert (images[0].name, images[-1].name) == ("frankfurt_000004_000294", "frankfurt_000007_000294")
    assert (images[0].a, images[0].b) == (pytest.approx(scores.mean(scores.class_iou(confusions[4]))), 1)
    assert images[1].difference == 0


def test_the_interval_of_two_runs_is_said_not_to_cover_the_seed(pair: RunPair) -> None:
    assert "does not cover the seed" in " ".join(pair_sentences(pair))


def test_a_run_that_is_not_evaluated_is_named(runs: tuple[Path, Path]) -> None:
    (runs[1] / "evaluation/val/confusion.npz").unlink()
    with pytest.raises(ValueError, match=rf"b={runs[1]} .*not evaluated on val: python -m segexp.evaluate"):
        read_run_pair(*runs, "val")


def test_runs_that_were_evaluated_under_other_conditions_are_refused(runs: tuple[Path, Path]) -> None:
    finished_run(runs[1], {"_target_": "dice"}, 1, checkpoint="last")
    with pytest.raises(ValueError, match=r"b=.*a=.*checkpoint last instead of best.*evaluate both alike"):
        read_run_pair(*runs, "val")


@pytest.fixture
def val_tta(runs: tuple[Path, Path]) -> Path:
    """A second evaluation of the first run: mirrored views, and more pixels right on every image."""
    confusions = np.random.default_rng(1).integers(1, 100, (12, 3, 3)) + np.eye(3, dtype=int) * 2000
    folder = runs[0] / "evaluation/val_tta"
    write_atomic(folder / "metrics.json", json.dumps({"checkpoint": "best", "inference": {"flip": True}}))
    write_atomic(folder / "confusion.npz", matrices(confusions, CLASSES))
    return folder


def test_two_evaluations_of_one_run_are_compared_as_two_runs_are(runs: tuple[Path, Path], val_tta: Path) -> None:
    pair = read_run_pair(runs[0] / "evaluation/val", val_tta, "unused")
    assert (pair.settings, pair.environment) == ([], [])
    assert pair.evaluation == [SettingDifference("flip", "-", "true")]
    assert pair.difference.value == pytest.approx(pair.scores[0].difference)
    assert 0 < pair.difference.low < pair.difference.value < pair.difference.high
    assert score_title(pair) == "Scores of a (val) and b (val_tta)"
    assert "one trained run" in " ".join(pair_sentences(pair))


def test_an_evaluation_of_a_run_that_has_none_of_that_name_is_refused_with_those_there(val_tta: Path) -> None:
    run = val_tta.parent.parent
    with pytest.raises(FileNotFoundError, match=rf"b=.*/val_typo: no such evaluation; .* {run}: val, val_tta; choose"):
        read_run_pair(run, val_tta.with_name("val_typo"), "val")


def test_evaluations_of_other_images_or_classes_are_refused(val_tta: Path) -> None:
    write_atomic(val_tta / "confusion.npz", matrices(np.ones((9, 3, 3), np.int64), CLASSES))
    with pytest.raises(ValueError, match="do not score the same images and classes: 9 images instead of 12"):
        read_run_pair(val_tta.parent.parent, val_tta, "val")


def test_evaluations_of_two_runs_with_different_settings_are_refused(runs: tuple[Path, Path], val_tta: Path) -> None:
    with pytest.raises(ValueError, match="different settings: flip default instead of true; evaluate both alike"):
        read_run_pair(val_tta, runs[1], "val")


def test_an_evaluation_is_not_compared_with_itself(runs: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="are the same evaluation; name another one as b="):
        read_run_pair(runs[0], runs[0] / "evaluation/val", "val")
