"""A training in the default precision: the same on all ranks, and with the same bits when it was killed."""

import signal
import subprocess
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.e2e.command import PYTHON, ROOT, TORCHRUN, assert_same, environment, train
from tests.e2e.test_resume import AVERAGED, LONG, TWO_RANKS

BFLOAT16 = ["precision=bfloat16"]


@pytest.mark.slow
@pytest.mark.parametrize("further", [[], AVERAGED, TWO_RANKS], ids=["weights", "averaged", "two ranks"])
def test_killed_in_bfloat16(small, tmp_path: Path, further: list[str]) -> None:
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    overrides = small(*LONG, *BFLOAT16, "trainer.gradient_clip_val=1", "callbacks.last.every_n_train_steps=2", *further)
    assert train(whole, overrides) == 0
    assert train(parts, overrides, by_signal="SIGKILL 5") == -signal.SIGKILL
    repeated = [each for each in overrides if not each.startswith("precision=")]  # auto: as recorded
    assert train(parts, repeated) == 0
    assert_same(parts, whole)
    assert whole.config["memory_format"] == "channels_last"


@pytest.mark.slow
def test_ranks_of_unlike_machines_compute_as_the_first_one(small, tmp_path: Path) -> None:
    alike = RunFolder(tmp_path / "alike")
    assert train(alike, small(*TWO_RANKS, *BFLOAT16)) == 0
    for name, starter in {"lightning": PYTHON, "torchrun": TORCHRUN}.items():
        unlike = RunFolder(tmp_path / name)
        command = [*starter, "tests.e2e.unlike", *small(*TWO_RANKS, "precision=auto"), f"hydra.run.dir={unlike.path}"]
        answer = subprocess.run(command, env=environment(), cwd=ROOT, timeout=280, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        assert [line for line in answer.stdout.splitlines() if line.startswith("precision ")] == [
            "precision   bfloat16, channels_last (this CPU computes in bfloat16)"
        ]
        assert_same(unlike, alike)
