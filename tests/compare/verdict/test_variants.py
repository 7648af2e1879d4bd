"""No run is lost by its name: what is alike for a training is one variant, and what is not is never shown alike."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.runs import ComparableRuns, read_runs
from segexp.compare.verdict.variants import group_by_variant
from segexp.run.folder import RunFolder
from tests.compare.verdict.run_folders import finished_run


def read_losses(folder: Path, *losses: dict[str, Any], num_seeds: int = 1) -> ComparableRuns:
    """Write runs of one loss with these settings, each with the same seeds, and read them."""
    for number, settings in enumerate(losses):
        for seed in range(num_seeds):
            finished_run(folder / f"{number}_{seed}", {"_target_": "focal", **settings}, seed, 0.5 + number)
    return read_runs(str(folder), "val")


def names(runs: list[Run]) -> list[str]:
    """Names of the variants, among which every run has its place."""
    variants = group_by_variant(runs)
    assert sorted(run.path for seeds in variants.values() for run in seeds.values()) == sorted(run.path for run in runs)
    return list(variants)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 2}, {"a": 2.0}),
        ({"a": [1, [2.0]]}, {"a": [1.0, [2]]}),
        ({"decay": None}, {}),
        ({"parts": [{"a": 1.0, "b": None}]}, {"parts": [{"a": 1, "b": None}]}),
    ],
)
def test_settings_that_train_alike_are_repeated_whatever_they_are_written_like(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    runs, skipped = read_losses(tmp_path, first, second, num_seeds=3)
    assert names(runs) == ["all"]
    assert len(skipped) == 3
    assert all(reason.startswith("repeated: ") for _, reason in skipped)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        (({"a": 0.1234567}, {"a": 0.1234568}), ["loss.a=0.1234567", "loss.a=0.1234568"]),
        (({"a": 1000000.5}, {"a": 1000000.25}), ["loss.a=1000000.5", "loss.a=1000000.25"]),
        (({"a": "2"}, {"a": 2}), ["loss.a='2'", "loss.a=2"]),
        (({"a": "None"}, {"a": None}), ["loss.a='None'", "loss.a=None"]),
        (({"a": True}, {"a": 1}), ["loss.a=True", "loss.a=1"]),
        (({"a": 0.1}, {"a": 0.25}, {}), ["loss.a=0.1", "loss.a=0.25", "loss.a=None"]),
    ],
)
def test_values_that_differ_have_names_that_differ(
    tmp_path: Path, losses: tuple[dict, ...], expected: list[str]
) -> None:
    runs, skipped = read_losses(tmp_path, *losses)
    assert not skipped
    assert names(runs) == expected


def test_runs_whose_names_cannot_be_told_apart_are_named_in_an_error(tmp_path: Path) -> None:
    runs = read_losses(tmp_path, {"a": "1 loss.b=2", "b": 3}, {"a": 1, "b": "2 loss.b=3"}).runs
    with pytest.raises(ValueError, match=r"0_0 and .*1_0 are both 'loss.a=1 loss.b=2 loss.b=3' with seed 0"):
        group_by_variant(runs)


def test_seeds_of_one_run_are_one_variant(tmp_path: Path) -> None:
    (run,) = read_losses(tmp_path, {"a": 0.5}).runs
    assert group_by_variant([run, replace(run, seed=1)]).keys() == {"all"}


def test_seeds_in_other_memory_formats_are_one_variant_and_in_another_precision_two(tmp_path: Path) -> None:
    """A seed of an earlier version, which recorded channels_last and does not list it, stands beside one of today."""
    arithmetic = [
        {"precision": "float32", "memory_format": "contiguous"},
        {"channels_last": True},
        {"precision": "bfloat16"},
    ]
    trainer = {"max_epochs": 1, "precision": None}
    for seed, settings in enumerate(arithmetic):
        run = RunFolder(finished_run(tmp_path / str(seed), {"_target_": "focal"}, seed))
        run.write_config({**run.config, "trainer": trainer, **settings})
        run.write_environment({**run.environment, "without_effect": ["logger"]})
    runs, _ = read_runs(str(tmp_path), "val")
    assert {name: sorted(seeds) for name, seeds in group_by_variant(runs).items()} == {
        "precision=float32": [0, 1],
        "precision=bfloat16": [2],
    }
