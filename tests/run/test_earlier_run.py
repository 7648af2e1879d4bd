"""A run that commit 6f0b345 trained and evaluated, kept in earlier/, is read as if it were of today.

Its command stands in environment.json. Its scenes are those of `streets_root`, rendered anew.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.run_pair import read_run_pair
from segexp.data.streets import Streets
from segexp.run.folder import RunFolder
from tests.e2e.test_commands import segexp
from tests.serve.server_process import running_server
from tests.training import resume

STORED = Path(__file__).parent / "earlier"


@pytest.fixture
def scenes(streets_root: Path) -> Path:
    """Where the scenes that the run was trained on are rendered to."""
    Streets(str(streets_root), num_train=6, num_val=3, height=64, width=128).pairs("val")
    return streets_root


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    shutil.copytree(STORED, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


def test_it_is_evaluated_with_the_scores_it_had(run: RunFolder, scenes: Path) -> None:
    before = run.scores("val")["metrics"]
    typed = [f"run={run.path}", f"data.root={scenes}", "overwrite=true", "device=cpu", "precision=float32"]
    answer = segexp("evaluate", *typed)
    assert answer.returncode == 0, answer.stderr
    after = run.scores("val")["metrics"]
    assert after.keys() == before.keys()
    assert before["miou"] > 0.1  # of weights that learned something
    np.testing.assert_allclose(list(after.values()), list(before.values()), atol=5e-5)


def test_it_goes_on_from_its_last_checkpoint(run: RunFolder, scenes: Path) -> None:
    before = run.history()
    resume(run.path, [f"data.root={scenes}", "trainer.max_epochs=21"])
    after = run.history()
    assert after[: len(before)] == before
    assert {row["epoch"] for row in after[len(before) :]} == {20}
    assert run.state() == "finished"


def test_it_is_compared_with_a_run_of_today(run: RunFolder, tmp_path: Path) -> None:
    today = RunFolder(Path(shutil.copytree(run.path, tmp_path / "today")))
    today.write_config({**run.config, "seed": 1})  # in the words of today
    pair = read_run_pair(run.path, today.path, "val")
    assert [change.key for change in pair.settings] == ["seed"]
    assert len(pair.images) == 3
    assert pair.difference.value == 0


def test_it_is_served(run: RunFolder, scenes: Path) -> None:
    with running_server(f"run={run.path}", f"data.root={scenes}") as server:
        shown = server.client.get("/api/classes").json()
    assert [each["name"] for each in shown["classes"]][:2] == ["flat", "human"]
    assert shown["miou"] == run.scores("val")["metrics"]["miou"]
