"""Sweeps on a real SLURM, as a user types them."""

import csv
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.cluster.conftest import is_queue_empty, until
from tests.logger.client import records

pytestmark = pytest.mark.cluster
LONG = "trainer.max_epochs=1000"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def job_id(folder: Path) -> str:
    return (folder / "slurm/submitted.txt").read_text().split()[-1]


def test_an_array_of_three_trains_and_is_submitted_once(segexp, sweep, tmp_path: Path) -> None:
    arguments = sweep("loss=dice,focal,hinge", "hydra.launcher.wait=true", "hydra.launcher.max_running=2")
    answer = segexp("train", *arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    folder = tmp_path / "sweep"
    assert [(row["variant"], row["state"]) for row in rows(folder)] == [
        ("loss=dice", "finished"),
        ("loss=focal", "finished"),
        ("loss=hinge", "finished"),
    ]
    assert all(float(row["val_miou"]) > 0 for row in rows(folder))
    assert len((folder / "jobs.txt").read_text().splitlines()) == 3
    assert segexp("sweep", f"folder={folder}").returncode == 0
    again = segexp("train", *arguments)
    assert again.returncode == 0
    assert "submitted" not in again.stdout


def test_jobs_of_an_array_are_runs_of_one_group_in_w_and_b(segexp, sweep, tmp_path: Path) -> None:
    wandb = ("logger=wandb", "logger.wandb.mode=offline", "hydra.launcher.wait=true")
    answer = segexp("train", *sweep("loss=dice,focal", *wandb))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    runs = [
        {(record["run"]["run_id"], record["run"]["run_group"]) for record in records(folder) if record["type"] == "run"}
        for folder in sorted((tmp_path / "sweep").glob("[01]_*"))
    ]
    assert all(len(of_one) == 1 for of_one in runs)
    (first, group), (second, same) = (of_one.pop() for of_one in runs)
    assert first != second
    assert group == same == "sweep"


def test_a_failing_job_is_a_failed_slurm_job_and_stops_no_other(segexp, command, sweep, tmp_path: Path) -> None:
    answer = segexp("train", *sweep("loss=lovasz_beta", "loss.a=1.0,-1.0,2.0", "hydra.launcher.wait=true"))
    folder = tmp_path / "sweep"
    assert answer.returncode == 1
    assert [row["state"] for row in rows(folder)] == ["finished", "failed", "finished"]
    assert "a is -1.0" in rows(folder)[1]["reason"]
    assert "a is -1.0" in (folder / "1_loss.a--1.0/job.log").read_text()
    facts = command("scontrol", "--oneliner", "show", "job", f"{job_id(folder)}_1").stdout
    assert "JobState=FAILED" in facts
    assert "ExitCode=1:0" in facts
    assert segexp("sweep", f"folder={folder}").returncode == 1


def test_an_exception_leaves_its_traceback_in_the_log(segexp, sweep, tmp_path: Path) -> None:
    answer = segexp("train", *sweep("hydra.launcher.wait=true", "hydra.launcher.setup=['export PYTHONHOME=/nowhere']"))
    assert answer.returncode == 1
    assert "ModuleNotFoundError" in (tmp_path / "sweep/0/job.log").read_text()
    assert rows(tmp_path / "sweep")[0]["state"] == "failed"


def test_the_same_command_goes_on_with_a_sweep_that_was_cancelled(segexp, command, sweep, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    arguments = sweep("loss=dice,focal", LONG, "hydra.launcher.max_running=1")
    assert segexp("train", *arguments).returncode == 0
    run = RunFolder(folder / "0_loss-dice")
    until(lambda: (run.checkpoints / "last.ckpt").is_file())
    status = segexp("sweep", f"folder={folder}")
    assert status.returncode == 0
    assert "1 running, 1 waiting" in status.stdout
    again = segexp("train", *arguments)
    assert "submitted" not in again.stdout  # both are still in the queue
    command("scancel", job_id(folder))
    until(lambda: is_queue_empty(command))
    assert segexp("sweep", f"folder={folder}").returncode == 1
    assert [row["state"] for row in rows(folder)] == ["preempted", "failed"]
    assert "left the queue" in rows(folder)[1]["reason"]
    before = run.history()[-1]["step"]
    assert "submitted 2 jobs" in segexp("train", *arguments).stdout
    until(lambda: run.history()[-1]["step"] > before)
    assert run.history()[0]["step"] == 0  # metrics.jsonl goes on
    command("scancel", job_id(folder))
    until(lambda: is_queue_empty(command))


def test_a_dry_run_prints_the_script_and_submits_nothing(segexp, command, sweep, tmp_path: Path) -> None:
    settings = [f"hydra.launcher.{each}" for each in ("time=10", "partition=high", "max_running=1", "dry_run=true")]
    answer = segexp("train", *sweep("seed=0,1", *settings, "+hydra.launcher.options.mem=1G"))
    assert answer.returncode == 0, answer.stderr
    for line in ("--array=0-1%1", "--nodes=1", "--ntasks-per-node=1", "--time=10", "--partition=high", "--mem=1G"):
        assert f"#SBATCH {line}\n" in answer.stdout
    assert not command("squeue", "--noheader").stdout
    test = command("sbatch", "--test-only", tmp_path / "sweep/sweep.sbatch")
    assert test.returncode == 0, test.stderr


def test_gpus_follow_from_the_devices_of_a_job(segexp, sweep) -> None:
    overrides = ["trainer.accelerator=gpu", "trainer.devices=2", "trainer.num_nodes=2", "hydra.launcher.dry_run=true"]
    answer = segexp("train", *sweep(*overrides))
    for line in ("--nodes=2", "--ntasks-per-node=2", "--gpus-per-node=2"):
        assert f"#SBATCH {line}\n" in answer.stdout


def test_a_script_that_sbatch_refuses_is_one_clear_error(segexp, sweep) -> None:
    answer = segexp("train", *sweep("seed=0", "hydra.launcher.partition=nowhere"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.train: sbatch refuses")
    assert "nowhere" in answer.stderr
