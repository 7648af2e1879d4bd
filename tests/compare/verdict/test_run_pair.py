"""Two runs side by side: all that differs is listed and nothing else, and scores are those of the matrices."""

import json
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.run_pair import RunPair, SettingDifference, read_run_pair, setting_differences
from segexp.compare.verdict.text.run_pair import pair_sentences
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


def test_two_runs_say_nothing_across_seeds(pair: RunPair) -> None:
    assert "say nothing across seeds" in " ".join(pair_sentences(pair))


def test_a_run_that_is_not_evaluated_is_named(runs: tuple[Path, Path]) -> None:
    (runs[1] / "evaluation/val/confusion.npz").unlink()
    with pytest.raises(ValueError, match=rf"b={runs[1]} .*not evaluated on val: python -m segexp.evaluate"):
        read_run_pair(*runs, "val")


def test_runs_that_were_evaluated_under_other_conditions_are_refused(runs: tuple[Path, Path]) -> None:
    finished_run(runs[1], {"_target_": "dice"}, 1, checkpoint="last")
    with pytest.raises(ValueError, match=r"b=.*a=.*checkpoint last instead of best.*evaluate both alike"):
        read_run_pair(*runs, "val")
