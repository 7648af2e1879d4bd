"""segexp as a command, and what two runs must have in common to be the same."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from segexp.run.folder import RunFolder
from tests.warm_process import run_module

ROOT = Path(__file__).parents[2]
CONF = Path(__file__).parent / "conf"
PYTHON = (sys.executable, "-m")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")


def environment(**further: str) -> dict[str, str]:
    """Without what a job of SLURM would leave to its children, and with one thread for each process."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    return {**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **further}


def train(run: RunFolder, overrides: Sequence[str], starter: Sequence[str] = PYTHON, by_signal: str = "") -> int:
    """Exit status of a training with on_existing=resume. by_signal: see `tests.e2e.killed`."""
    arguments = [f"--config-dir={CONF}", *overrides, "on_existing=resume", f"hydra.run.dir={run.path}"]
    if starter == PYTHON and not by_signal:
        return run_module("segexp.train", *arguments, environment=environment()).returncode
    command = [*starter, "tests.e2e.killed" if by_signal else "segexp.train", *arguments]
    return subprocess.run(command, env=environment(SIGNAL=by_signal), cwd=ROOT, timeout=280).returncode


def last(run: RunFolder) -> dict[str, torch.Tensor]:
    """Weights, statistics and momentum of the last checkpoint, and the average of weights if there is one."""
    state = torch.load(run.checkpoint("last"), weights_only=True)
    moments = {
        f"{index}.{name}": value
        for index, values in state["optimizer_states"][0]["state"].items()
        for name, value in values.items()
    }
    averaged = {f"averaged.{name}": value for name, value in state.get("averaged_model", {}).items()}
    return {**state["state_dict"], **averaged, **moments}


def assert_same(run: RunFolder, undisturbed: RunFolder) -> None:
    """Bit-identical weights, optimizer and metrics, but for what a stopwatch measures."""
    assert run.state() == undisturbed.state() == "finished"
    assert scores(run) == scores(undisturbed)
    found, wanted = last(run), last(undisturbed)
    assert found.keys() == wanted.keys()
    assert [key for key in wanted if not torch.equal(found[key], wanted[key])] == []


def scores(run: RunFolder) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if "per_second" not in name} for row in run.history()]
