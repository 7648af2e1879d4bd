"""Comparisons whose runs W&B knows."""

from pathlib import Path

import pytest

from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two losses, one of them with two values of a setting, three seeds each; W&B's id is the name of the folder."""
    for seed in (0, 1, 2):
        finished_run(tmp_path / f"sweep/a{seed}", {"_target_": "focal"}, seed, 0.5)
        finished_run(tmp_path / f"sweep/b{seed}", {"_target_": "lovasz_beta", "a": 2.0}, seed, 0.9)
        finished_run(tmp_path / f"sweep/c{seed}", {"_target_": "lovasz_beta", "a": 90.0}, seed, 0.5)
    for folder in (tmp_path / "sweep").iterdir():
        write_atomic(folder / "wandb_id", f"{folder.name}\n")
    return tmp_path / "sweep"


@pytest.fixture
def comparison(sweep: Path) -> Comparison:
    return compare_variants(read_runs(str(sweep), "val"), "val")
