"""python -m segexp.tune as a user runs it: shared by processes, killed, and with trials that all fail."""

import csv
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from segexp.run.folder import RunFolder
from tests.process import until
from tests.warm_process import run_module

ROOT = Path(__file__).parents[2]


def command(folder: Path, num_trials: int, overrides: list[str]) -> list[str]:
    study = [f"study={folder.name}", f"folder={folder}", f"num_trials={num_trials}", "~space.a", "~space.b"]
    return [sys.executable, "-m", "segexp.tune", *study, "--", *overrides, "loss=dice"]


def answer(folder: Path, num_trials: int, overrides: list[str]) -> tuple[int, str]:
    """Exit status and output of the command."""
    _, _, *words = command(folder, num_trials, overrides)
    ended = run_module(*words, environment=os.environ)
    return ended.returncode, ended.stdout + ended.stderr


def start_process(words: list[str]) -> "subprocess.Popen[str]":
    output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(words, cwd=ROOT, **output)


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))


@pytest.mark.slow
def test_processes_share_a_study(tmp_path: Path, small) -> None:
    folder = tmp_path / "shared"
    with ThreadPoolExecutor() as threads:
        codes, outputs = zip(*threads.map(lambda _: answer(folder, 3, small()), range(2)), strict=True)
    assert codes == (0, 0), outputs
    assert [row["state"] for row in rows(folder)] == ["complete"] * 3
    numbers = [re.findall(r"(?m)^trial (\d): complete", output) for output in outputs]
    assert all(numbers), outputs
    assert sorted(numbers[0] + numbers[1]) == ["0", "1", "2"]
    assert all(RunFolder(folder / f"trials/{number}").state() == "finished" for number in range(3))
    assert "best        trial" in answer(folder, 3, small())[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_study_goes_on(tmp_path: Path, small, number: signal.Signals) -> None:
    folder = tmp_path / "killed"
    overrides = small("trainer.max_epochs=8")  # the signal comes in the first
    tuner = start_process(command(folder, 2, overrides))
    run = RunFolder(folder / "trials/0")
    until(lambda: run.history())
    tuner.send_signal(number)
    tuner.communicate(timeout=300)
    assert tuner.returncode == (143 if number == signal.SIGTERM else -number)
    if number == signal.SIGKILL:  # with its training, as when a node is lost
        os.kill(run.status()["process"], signal.SIGKILL)
    code, output = answer(folder, 2, overrides)
    assert code == 0, output
    trials = rows(folder)
    assert [row["state"] for row in trials] == ["stopped, run again", "complete", "complete"]
    assert trials[0]["optimizer.lr"] == trials[1]["optimizer.lr"]


@pytest.mark.slow
def test_a_study_whose_trials_all_fail_ends_with_the_reason(tmp_path: Path, small) -> None:
    code, output = answer(tmp_path / "failing", 9, small("data.image_size=[10,10]"))
    assert code == 1
    facts = ("all of the first 3 trials failed", "ValueError: data.image_size is [10, 10]", "job.log")
    assert [fact for fact in facts if fact not in output] == [], output
