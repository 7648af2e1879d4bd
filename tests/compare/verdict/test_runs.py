"""Run folders are read, named by what varies, and left out with a reason."""

import json
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.evaluated_run import read_run
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.variants import group_by_variant, short_names
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for seed in (0, 1, 2):
        finished_run(tmp_path / f"a{seed}", {"_target_": "focal"}, seed, 0.5)
        finished_run(tmp_path / f"b{seed}", {"_target_": "lovasz_beta", "a": 2.0}, seed, 0.9)
        finished_run(tmp_path / f"c{seed}", {"_target_": "lovasz_beta", "a": 9.0}, seed, 0.5)
    return tmp_path


def test_variants_are_named_by_what_varies(sweep: Path) -> None:
    variants = group_by_variant(read_runs(str(sweep), "val").runs)
    assert list(variants) == ["loss=focal", "loss=lovasz_beta loss.a=2", "loss=lovasz_beta loss.a=9"]
    assert all(sorted(runs) == [0, 1, 2] for runs in variants.values())


def test_older_runs_whose_optimizer_had_no_fused_key_are_seeds_of_one_variant(tmp_path: Path) -> None:
    for seed in (0, 1):
        finished_run(tmp_path / f"older{seed}", {"_target_": "focal"}, seed)
        newer = finished_run(tmp_path / f"newer{seed}", {"_target_": "focal"}, seed + 2)
        config = json.loads((newer / "config.yaml").read_text())
        write_atomic(newer / "config.yaml", json.dumps(config | {"optimizer": {**config["optimizer"], "fused": True}}))
    ((_, runs),) = group_by_variant(read_runs(str(tmp_path), "val").runs).items()
    assert sorted(runs) == [0, 1, 2, 3]


def test_the_verdict_is_better_or_not_significant(sweep: Path) -> None:
    first, better, same = compare_variants(read_runs(str(sweep), "val"), "val", "focal").rows
    assert first.difference is None
    assert better.verdict == "better"
    assert same.verdict == "not significant"


def test_a_baseline_that_fits_several_variants_is_refused(sweep: Path) -> None:
    with pytest.raises(ValueError, match=r"baseline is 'lovasz'.*loss.a=2.*loss.a=9"):
        compare_variants(read_runs(str(sweep), "val"), "val", "lovasz")


def test_an_option_is_not_taken_for_one_that_begins_with_it(tmp_path: Path) -> None:
    for loss in ("dice", "dice_to_iou"):
        finished_run(tmp_path / loss, {"_target_": loss}, 0)
    assert compare_variants(read_runs(str(tmp_path), "val"), "val", "dice").rows[0].name == "loss=dice"


def test_runs_of_one_seed_get_no_verdict(tmp_path: Path) -> None:
    finished_run(tmp_path / "a", {"_target_": "focal"}, 0, 0.5)
    finished_run(tmp_path / "b", {"_target_": "dice"}, 0, 0.9)
    assert compare_variants(read_runs(str(tmp_path), "val"), "val").rows[1].verdict == "one seed: nothing can be said"


def test_runs_that_cannot_be_compared_are_named_with_the_reason(sweep: Path) -> None:
    finished_run(sweep / "d0", {"_target_": "dice"}, 0, state="failed")
    finished_run(sweep / "e0", {"_target_": "dice"}, 0, checkpoint="last")
    finished_run(sweep / "f0", {"_target_": "dice"}, 0)
    (sweep / "f0/evaluation/val/confusion.npz").unlink()
    finished_run(sweep / "a00", {"_target_": "focal"}, 0, 0.6)
    reasons = {path.name: reason for path, reason in read_runs(str(sweep), "val").skipped}
    assert reasons.keys() == {"d0", "e0", "f0", "a0"}
    assert "failed" in reasons["d0"]
    assert "checkpoint last instead of best" in reasons["e0"]
    assert "segexp.evaluate" in reasons["f0"]
    assert "same configuration and seed" in reasons["a0"]


def test_an_evaluation_older_than_the_end_of_its_training_is_left_out(sweep: Path) -> None:
    finished_run(sweep / "a0", {"_target_": "focal"}, 0, 0.5, trained_until="2026-01-01T00:00:00+00:00")
    ((path, reason),) = read_runs(str(sweep), "val").skipped
    assert path == sweep / "a0"
    assert reason.startswith("evaluated before its training was resumed: python -m segexp.evaluate run=")


@pytest.mark.parametrize(
    ("name", "facts", "cure"),
    [
        ("val", {}, "run=RUN split=val"),
        ("val", {"split": "val"}, "run=RUN split=val"),
        ("val_tta", {"split": "val"}, "run=RUN split=val name=val_tta, with the settings of such evaluations"),
        ("val_tta", None, "run=RUN name=val_tta, with the settings of such evaluations"),
        ("test", None, "run=RUN split=test"),
        ("val_cityscapes7", {"split": "val", "regrouped_from": "val"}, "run=RUN name=val regroup=cityscapes7"),
    ],
)
def test_what_makes_a_missing_or_outdated_evaluation_is_its_command(
    name: str, facts: dict[str, str] | None, cure: str, tmp_path: Path
) -> None:
    """facts: metrics.json of an outdated evaluation; None where there is no evaluation."""
    run = finished_run(tmp_path / "run", {"_target_": "focal"}, 0, trained_until="2026-01-01", **(facts or {}))
    if facts is not None and name != "val":
        (run / "evaluation/val").rename(run / f"evaluation/{name}")
    reason = read_run(run, name)
    assert isinstance(reason, str)
    assert reason.endswith(f"python -m segexp.evaluate {cure.replace('RUN', str(run))}")
    assert reason.startswith("evaluated before its training was resumed" if facts is not None else "not evaluated on")


def test_matrices_and_scores_of_two_evaluations_are_not_taken_for_one(sweep: Path) -> None:
    path = sweep / "a0/evaluation/val/confusion.npz"
    with np.load(path) as stored:
        np.savez_compressed(path, **{key: stored[key] for key in stored}, settings=json.dumps({"checkpoint": "last"}))
    ((_, reason),) = read_runs(str(sweep), "val").skipped
    assert "metrics.json beside it are of two evaluations; evaluate again" in reason


def test_of_repeated_runs_the_one_that_finished_last_counts(sweep: Path) -> None:
    again = finished_run(sweep / "a00", {"_target_": "focal"}, 0, 0.6)
    for folder, day in ((again, 2), (sweep / "a0", 3)):
        write_atomic(folder / "status.json", json.dumps({"state": "finished", "time": f"2026-01-0{day}"}))
    ((path, reason),) = read_runs(str(sweep), "val").skipped
    assert path == again
    assert reason == f"repeated: the same configuration and seed as {sweep / 'a0'}"


def test_labels_grouped_otherwise_under_the_same_names_are_not_mixed(sweep: Path) -> None:
    finished_run(sweep / "a0", {"_target_": "focal"}, 0, 0.5, label_ids=[[0], [1, 3], [2]])
    ((_, reason),) = read_runs(str(sweep), "val").skipped
    assert "label_ids [[0], [1, 3], [2]] instead of none recorded" in reason


def test_short_names_leave_out_the_one_group_that_varies() -> None:
    names = ["loss=focal", "loss=lovasz_beta loss.a=2 loss.b=30"]
    assert short_names(names) == ("loss", dict(zip(names, ["focal", "lovasz_beta a=2 b=30"], strict=True)))
    assert short_names(["optimizer.lr=0.1"]) == ("optimizer.lr", {"optimizer.lr=0.1": "0.1"})


@pytest.mark.parametrize("names", [["model=unet loss=dice", "model=fcn8 loss=dice"], ["all"], ["a.x=1 a.y=2"]])
def test_names_stay_as_they_are_where_several_things_vary_or_none(names: list[str]) -> None:
    assert short_names(names) == ("variant", {name: name for name in names})


def test_a_short_name_chooses_the_baseline(sweep: Path) -> None:
    assert compare_variants(read_runs(str(sweep), "val"), "val", "lovasz_beta a=9").rows[0].name.endswith("loss.a=9")


def test_variants_follow_the_baseline_from_best_to_worst(sweep: Path) -> None:
    finished_run(sweep / "d0", {"_target_": "dice"}, 0, 0.7)
    comparison = compare_variants(read_runs(str(sweep), "val"), "val", "a=9")
    means = [sum(row.scores) / len(row.scores) for row in comparison.rows]
    assert means[1:] == sorted(means[1:], reverse=True)
    assert means[0] < means[1]


def test_files_of_loggers_inside_a_run_are_no_runs(sweep: Path) -> None:
    write_atomic(sweep / "a0/wandb/files/config.yaml", "{}")
    assert len(read_runs(str(sweep), "val").runs) == 9


def test_a_pattern_takes_the_runs_that_match(sweep: Path) -> None:
    assert {run.path.name for run in read_runs(str(sweep / "[ab]*"), "val").runs} == {
        f"{n}{s}" for n in "ab" for s in "012"
    }


def test_no_run_at_all_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_runs(str(tmp_path), "val")
