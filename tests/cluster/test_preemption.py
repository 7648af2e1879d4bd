"""A training that SLURM stops goes on by itself, and ends as if it had not been stopped."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.cluster.conftest import HERE, until
from tests.cluster.jobs import SubmittedTraining, folder, submit
from tests.e2e.command import assert_same, train

pytestmark = pytest.mark.cluster
RANKS = {"one": [], "two": ["trainer=ddp", "trainer.accelerator=cpu", "data.batch_size=1"]}


@pytest.fixture
def overrides(small: Callable[..., list[str]]) -> list[str]:
    return small("trainer.max_epochs=60", "callbacks.panels.num_scenes=0")


@pytest.fixture
def whole(overrides: list[str], tmp_path: Path) -> RunFolder:
    run = folder(tmp_path / "whole")
    assert train(run, overrides) == 0
    return run


def num_restarts(job: SubmittedTraining) -> int:
    return int(job.fact("Restarts"))


def test_a_job_preempted_by_another_partition_ends_as_if_it_had_not_been(
    command, overrides, whole: RunFolder, tmp_path: Path
) -> None:
    job = submit(command, folder(tmp_path / "parts"), overrides, "--signal=USR1@30")
    job.wait_for_training()
    command("sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 3")
    until(lambda: job.run.state() == "preempted")
    assert job.wait_for_end() == "COMPLETED", job.log()
    assert num_restarts(job) == 1
    assert_same(job.run, whole)


def test_two_ranks_are_preempted_together(command, small, tmp_path: Path) -> None:
    overrides = small("trainer.max_epochs=40", *RANKS["two"])
    whole = folder(tmp_path / "whole")
    assert train(whole, overrides) == 0
    job = submit(command, folder(tmp_path / "parts"), overrides, "--nodes=1", "--ntasks-per-node=2")
    job.wait_for_training()
    command("scancel", "--signal=USR1", job.id)
    until(lambda: num_restarts(job) == 1)
    assert job.wait_for_end() == "COMPLETED", job.log()
    assert_same(job.run, whole)


def test_a_job_that_reaches_its_time_limit_goes_on(command, small, tmp_path: Path) -> None:
    overrides = small("trainer.max_epochs=10000")
    job = submit(command, folder(tmp_path / "run"), overrides, "--time=2", "--signal=USR1@30")  # sent 30 to 90 s before
    until(lambda: job.run.state() == "preempted")
    until(lambda: job.run.state() == "running")
    assert num_restarts(job) == 1
    command("scancel", job.id)
    assert job.wait_for_end() == "CANCELLED"


def test_a_job_that_is_cancelled_saves_its_checkpoint(command, small, tmp_path: Path) -> None:
    overrides = small("trainer.max_epochs=10000", "data.num_workers=1")
    job = submit(command, folder(tmp_path / "run"), overrides)
    job.wait_for_training()
    command("scancel", job.id)
    assert job.wait_for_end() == "CANCELLED"
    until(lambda: job.run.state() == "preempted")
    assert job.run.checkpoint("last").is_file()
    assert num_restarts(job) == 0


def test_a_job_whose_node_is_lost_ends_as_if_it_had_not_been(
    command, slurm, overrides, whole: RunFolder, tmp_path: Path
) -> None:
    job = submit(command, folder(tmp_path / "parts"), [*overrides, "callbacks.last.every_n_train_steps=2"])
    job.wait_for_training()
    until(lambda: (job.run.checkpoints / "last.ckpt").is_file())
    node = job.fact("NodeList")
    daemon, training = Path(slurm["SLURM_UP_DIR"]) / f"run/slurmd-{node}.pid", job.run.status()["process"]
    os.kill(int(daemon.read_text()), signal.SIGKILL)
    command("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
    os.kill(training, signal.SIGKILL)  # when the node is down: on one that is up the job would fail
    until(lambda: num_restarts(job) == 1)
    assert job.wait_for_end() == "COMPLETED", job.log()
    command(HERE / "slurm-up")  # starts the daemon of the node again
    command("scontrol", "update", f"NodeName={node}", "State=RESUME")
    assert job.fact("NodeList") != node
    assert_same(job.run, whole)
