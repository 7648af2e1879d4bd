"""A real SLURM for these tests: two virtual nodes on this machine, installed and started, stopped afterwards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = Path(f"/tmp/segexp-slurm-{os.getpid()}")  # of this process alone: others may run tests on this machine, too
PORT = str(20000 + 4 * (os.getpid() % 1500))  # the first of three, all below slurm-up's default


@pytest.fixture(scope="session")
def slurm() -> Iterator[dict[str, str]]:
    """The environment variables by which SLURM's commands and trainings find the cluster.

    Its partitions are main, and high, whose jobs preempt those of main.
    """
    if os.geteuid():
        pytest.skip("SLURM is installed and started by root only")
    settings = {**os.environ, "SLURM_UP_DIR": str(FOLDER), "SLURM_UP_PORT": PORT}
    for folder in abandoned_clusters():
        stop(folder)
    subprocess.run([HERE / "slurm-up"], env=settings, check=True, timeout=600)
    source = f"source {settings['SLURM_UP_DIR']}/env && env -0"
    environment = subprocess.run(
        ["bash", "-c", source], env=settings, capture_output=True, text=True, check=True
    ).stdout
    yield dict(entry.split("=", 1) for entry in environment.split("\0") if entry)
    stop(FOLDER)


def abandoned_clusters() -> list[Path]:
    """Folders of clusters whose test process was killed; one under our own process id is such a folder, too."""
    living = {str(number) for number in psutil.pids()} - {str(os.getpid())}
    return [path for path in FOLDER.parent.glob("segexp-slurm-*") if path.name.rpartition("-")[2] not in living]


def stop(folder: Path) -> None:
    settings = {**os.environ, "SLURM_UP_DIR": str(folder)}
    subprocess.run([HERE / "slurm-down", "--purge"], env=settings, timeout=120)


@pytest.fixture
def command(slurm: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in the cluster's environment: command("squeue", "-h")."""

    def run(*words: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=slurm, cwd=ROOT, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def segexp(command) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an entry point in the cluster's environment: segexp("train", "-m", ...)."""
    return lambda name, *arguments, **further: command(sys.executable, "-m", f"segexp.{name}", *arguments, **further)


@pytest.fixture
def sweep(small: Callable[..., list[str]], tmp_path: Path) -> Callable[..., list[str]]:
    """Arguments of segexp.train for a sweep of small trainings on the cluster, in the folder tmp_path/sweep."""

    def arguments(*further: str) -> list[str]:
        slurm = ["hydra/launcher=slurm", f"hydra.sweep.dir={tmp_path / 'sweep'}", "hydra.launcher.cpus_per_task=1"]
        return ["-m", *small(*slurm, *further)]

    return arguments


def until(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


def is_queue_empty(command: Callable[..., subprocess.CompletedProcess[str]]) -> bool:
    """Whether squeue answers with no job; a squeue that reaches no controller prints none either, but fails."""
    answer = command("squeue", "--noheader")
    return answer.returncode == 0 and not answer.stdout
