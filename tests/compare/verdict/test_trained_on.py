"""Runs that were trained on different images are different variants; where the same ones lie is of no account."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.variants import group_by_variant
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run


def trained(folder: Path, seed: int, data: Mapping[str, Any] | None, **settings: Any) -> None:
    """Write a run. data: fingerprints as its training recorded them; None for an older one, which recorded none."""
    finished_run(folder, {"_target_": "focal"}, seed)
    for name, more in (("config.yaml", {"data": settings}), ("environment.json", {"data": data} if data else {})):
        write_atomic(folder / name, json.dumps(json.loads((folder / name).read_text()) | more))


def names(folder: Path) -> dict[str, list[int]]:
    """Names of the variants with the seeds of each; no run is left out."""
    runs, skipped = read_runs(str(folder), "val")
    assert not skipped
    return {name: sorted(seeds) for name, seeds in group_by_variant(runs).items()}


def test_other_images_make_another_variant_of_the_same_settings(tmp_path: Path) -> None:
    for seed in (0, 1):
        trained(tmp_path / f"a{seed}", seed, {"train": "0123456789abcdef", "val": "00"}, root="/data")
        trained(tmp_path / f"b{seed}", seed, {"train": "fedcba9876543210", "val": "00"}, root="/data")
    assert names(tmp_path) == {"data.fingerprint=01234567": [0, 1], "data.fingerprint=fedcba98": [0, 1]}


def test_the_same_images_elsewhere_are_the_same(tmp_path: Path) -> None:
    trained(tmp_path / "a", 0, {"train": "0123456789abcdef"}, root="/data")
    trained(tmp_path / "b", 1, {"train": "0123456789abcdef"}, root="s3://data")
    assert names(tmp_path) == {"all": [0, 1]}


def test_other_validation_images_make_no_other_variant(tmp_path: Path) -> None:
    trained(tmp_path / "a", 0, {"trainval": "01", "val": "00"}, train_split="trainval")
    trained(tmp_path / "b", 1, {"trainval": "01", "val": "11"}, train_split="trainval")
    assert names(tmp_path) == {"all": [0, 1]}


def test_older_runs_count_as_trained_on_the_only_images_that_are_known(tmp_path: Path) -> None:
    trained(tmp_path / "older", 0, None)
    trained(tmp_path / "newer", 1, {"train": "01234567"})
    assert names(tmp_path) == {"all": [0, 1]}


def test_where_two_sets_of_images_are_known_older_runs_are_of_neither(tmp_path: Path) -> None:
    trained(tmp_path / "a", 0, None)
    trained(tmp_path / "b", 0, {"train": "01234567"})
    trained(tmp_path / "c", 0, {"train": "abcdefab"})
    known = ("unknown", "01234567", "abcdefab")
    assert names(tmp_path) == {f"data.fingerprint={each}": [0] for each in known}
