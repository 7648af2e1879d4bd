"""The real W&B client, offline or in front of a server that does not answer. A process each: it is a singleton."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from segexp.fit import start
from segexp import build
from pathlib import Path
start(build.compose("train", sys.argv[2:]), Path(sys.argv[1]), {}, [])
"""


def train(folder: Path, overrides: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    for name in ("CONFIG", "DATA", "CACHE"):
        environment[f"WANDB_{name}_DIR"] = str(folder.parent)
    environment |= {"WANDB_ERROR_REPORTING": "false", "HOME": str(folder.parent), **variables}
    command = [sys.executable, "-c", PROGRAM, str(folder), *overrides]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def records(folder: Path) -> list[dict]:
    """What the offline run holds, by W&B's own reader."""
    (file,) = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    read = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", str(file), "--json"]
    answer = subprocess.run(read, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture
def overrides(small) -> list[str]:
    return [each for each in small() if each != "logger=none"] + ["logger=wandb"]


def test_without_a_key_a_run_is_recorded_offline(tmp_path: Path, overrides: list[str]) -> None:
    answer = train(tmp_path / "run", overrides)
    assert answer.returncode == 0, answer.stderr
    history = [record["history"]["item"] for record in records(tmp_path / "run") if record["type"] == "history"]
    logged = {name for row in history for name in row}
    assert {"val/miou", "val/iou/sky", "train/loss", "train/lr", "trainer/global_step"} <= logged
    assert any(name.startswith("val/panels") for name in logged)
    assert any(name.startswith("val/confusion") for name in logged)
    assert "exit" in {record["type"] for record in records(tmp_path / "run")}


def test_a_server_that_refuses_does_not_stop_a_training(tmp_path: Path, overrides: list[str]) -> None:
    unreachable = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40}
    answer = train(tmp_path / "run", overrides, **unreachable)
    assert answer.returncode == 0, answer.stderr
    assert "this run is recorded offline" in answer.stderr
    assert list((tmp_path / "run/wandb").glob("offline-run-*"))


def test_other_loggers_do_not_import_wandb(tmp_path: Path, small) -> None:
    for logger in ("none", "csv"):
        overrides = [each for each in small() if each != "logger=none"] + [f"logger={logger}"]
        program = f"{PROGRAM}\nassert 'wandb' not in sys.modules"
        command = [sys.executable, "-c", program, str(tmp_path / logger), *overrides]
        assert subprocess.run(command, timeout=240).returncode == 0
    assert (tmp_path / "csv/csv/metrics.csv").is_file()
