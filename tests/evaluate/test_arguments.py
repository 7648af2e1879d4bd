"""Nothing that is typed is silently ignored."""

from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.e2e.command import environment
from tests.warm_process import run_module

IGNORED = {
    "metric.boundary.width": "0.05",
    "num_scenes": "3",
    "data.root": "/moved",
    "+data.num_val": "3",
    "window": "[64,64]",
    "flip": "false",
    "device": "cpu",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    RunFolder(tmp_path).write_config({"seed": 0})
    return tmp_path


def test_regrouping_refuses_keys_that_do_not_affect_stored_counts(run: Path) -> None:
    typed = [f"{key}={value}" for key, value in IGNORED.items()]
    arguments = [f"run={run}", "split=val", "regroup=cityscapes7", *typed]
    answer = run_module("segexp.evaluate", *arguments, environment=environment())
    assert answer.returncode == 1
    ignored = "metric.boundary.width, num_scenes, data.root, data.num_val, window, flip, device"
    facts = ("segexp.evaluate: regroup= reads the stored counts of an existing evaluation", f"leave out {ignored}\n")
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr
