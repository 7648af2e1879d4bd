"""Dashboards group runs by what W&B knows of them."""

import json
from pathlib import Path

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.wandb import keys
from segexp.system.files import write_atomic


def test_what_was_trained_on_sets_variants_apart_and_is_no_key_of_the_configuration(sweep: Path) -> None:
    for run in sweep.glob("a*"):
        recorded = json.loads((run / "environment.json").read_text())
        write_atomic(run / "environment.json", json.dumps({**recorded, "data": {"train": f"0123456{run.name[1]}"}}))
    comparison = compare_variants(read_runs(str(sweep), "val"), "val")
    assert len([name for name in comparison.variants if "data.fingerprint=0123456" in name]) == 3
    assert keys.varying_keys(comparison) == ["choices.loss", "loss.a"]
