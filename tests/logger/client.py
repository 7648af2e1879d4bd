"""The real W&B client in a process of its own, as it reads its environment once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.warm_process import run_module

ROOT = Path(__file__).parents[2]
KEY = "0" * 40
TEN_ROWS = """
logger.log_hyperparams({"loss": {"_target_": "a.b"}, "trainer": {"strategy": "auto"}})
for step in range(10):
    logger.log_metrics({"val/miou": 0.1}, step)
"""
"""Of Python, with a `logger`: ten steps of a run."""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Nothing of this machine's W&B; W&B's settings and keys would be read below home."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}
    ours = {"HOME": str(home), "WANDB_CONFIG_DIR": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return {**inherited, **ours, **variables}


def online(url: str) -> dict[str, str]:
    return {"WANDB_BASE_URL": url, "WANDB_API_KEY": KEY}


def run(*command: str, home: Path, seconds: float = 240, **variables: str) -> subprocess.CompletedProcess[str]:
    env = environment(home, **variables)
    return subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, timeout=seconds)


def train(folder: Path, overrides: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """python -m segexp.train, its run folder given."""
    arguments = [*overrides, f"hydra.run.dir={folder}"]
    return run_module("segexp.train", *arguments, environment=environment(folder.parent, **variables))


def log(folder: Path, lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """See `tests.logger.program`."""
    return run_module("tests.logger.program", str(folder), lines, environment=environment(folder.parent, **variables))


def records(folder: Path) -> list[dict[str, Any]]:
    """What the W&B files of a run folder hold, by W&B's own reader."""
    files = sorted((folder / "wandb").glob("*run-*/run-*.wandb"))
    read = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json"]
    answers = [subprocess.run([*read, str(file)], capture_output=True, text=True, check=True) for file in files]
    return [json.loads(line) for answer in answers for line in answer.stdout.splitlines()]


def history(folder: Path) -> list[dict[str, Any]]:
    return [record["history"]["item"] for record in records(folder) if record["type"] == "history"]


def exit_codes(folder: Path) -> list[int]:
    """Of each time the run was started and ended by itself."""
    return [record["exit"].get("exit_code", 0) for record in records(folder) if record["type"] == "exit"]
