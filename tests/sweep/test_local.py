"""Sweeps on this machine, as a user types them."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.sweep import local
from segexp.sweep.job import Job, Resources
from segexp.sweep.settings import LocalLauncherSettings
from segexp.sweep.sweep_folder import SweepFolder
from tests.e2e.test_commands import segexp
from tests.process import PATIENCE, until

LONG = "trainer.max_epochs=1000"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_sweep_ends_with_a_table_and_the_same_command_runs_what_is_not_finished(small, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    jobs = ["-m", *small(f"hydra.sweep.dir={folder}"), "loss=lovasz_beta", "loss.a=-1.0,1.0"]
    answer = segexp("train", *jobs)
    assert answer.returncode == 1, answer.stderr
    assert [(row["variant"], row["state"]) for row in rows(folder)] == [
        ("loss.a=-1.0", "failed"),
        ("loss.a=1.0", "finished"),
    ]
    assert "a is -1.0" in rows(folder)[0]["reason"]
    assert "a is -1.0" in (folder / "0_loss.a--1.0/job.log").read_text()
    finished = (folder / "1_loss.a-1.0/status.json").stat().st_mtime_ns
    again = segexp("train", *jobs)
    assert again.returncode == 1
    assert [line for line in again.stdout.splitlines() if " starts" in line] == ["job 0 starts  loss.a=-1.0"]
    assert (folder / "1_loss.a-1.0/status.json").stat().st_mtime_ns == finished
    other = segexp("train", *jobs, "data.batch_size=3")
    assert other.returncode == 1
    facts = ("holds another sweep", "job 0 has data.batch_size=2", "this one has data.batch_size=3", "hydra.sweep.dir")
    assert [fact for fact in facts if fact not in other.stderr] == [], other.stderr
    assert segexp("sweep", f"folder={folder}").returncode == 1


TRAINING = """
import sys, time
from pathlib import Path
from segexp.run.folder import RunFolder

run = RunFolder(Path(sys.argv[1]))
with run.lock(), run.renew():
    time.sleep(float(sys.argv[2]))
"""


def test_a_job_that_trains_for_a_killed_command_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = SweepFolder(tmp_path / "sweep")
    job = Job(0, "seed=0", folder.path / "0_seed-0", ("seed=not_started",))
    job.folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", TRAINING, str(job.folder), "2"]) as training:
        until(lambda: RunFolder(job.folder).state() == "running")
        settings = LocalLauncherSettings(num_parallel=1, stop_seconds=5)
        assert local.launch(folder, [job], [Resources("cpu", 1, 1)], "command", settings) == 0
    assert [row["state"] for row in rows(folder.path)] == ["finished"]
    said = capsys.readouterr().out
    assert f"job 0 is still being trained by an earlier command (process {training.pid} on " in said
    assert not job.log.exists()


@pytest.mark.slow
def test_a_signal_ends_all_jobs_and_the_sweep_goes_on_later(small, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    arguments = ["-m", *small(LONG), "seed=0,1,2", f"hydra.sweep.dir={folder}", "hydra.launcher.num_parallel=2"]
    runs = [RunFolder(folder / f"{seed}_seed-{seed}") for seed in range(3)]
    processes = set()
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        steps = [run.history()[-1]["step"] if run.history() else -1 for run in runs[:2]]
        listen = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        sweep = subprocess.Popen([sys.executable, "-m", "segexp.train", *arguments], preexec_fn=listen)
        try:
            for run, step in zip(runs, steps, strict=False):
                until(lambda run=run, step=step: run.history() and run.history()[-1]["step"] > step + 5)
            processes |= {run.status()["process"] for run in runs[:2]}
            sweep.send_signal(number)
            assert sweep.wait(PATIENCE) == code
        finally:
            sweep.kill()
            sweep.wait()
        assert [row["state"] for row in rows(folder)] == ["preempted", "preempted", "waiting"]
    assert len(processes) == 4
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert all(run.history()[0]["step"] == 0 for run in runs[:2])


@pytest.mark.slow
def test_a_killed_job_is_named_and_the_others_go_on(small, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    arguments = ["-m", *small(), "trainer.max_epochs=1000,1", f"hydra.sweep.dir={folder}"]
    sweep = subprocess.Popen([sys.executable, "-m", "segexp.train", *arguments])
    try:
        run = RunFolder(folder / "0_trainer.max_epochs-1000")
        until(lambda: run.history())
        os.kill(run.status()["process"], signal.SIGKILL)
        assert sweep.wait(PATIENCE) == 1
    finally:
        sweep.kill()
        sweep.wait()
    assert [row["state"] for row in rows(folder)] == ["failed", "finished"]
    assert rows(folder)[0]["reason"].startswith("ended by SIGKILL")


def test_a_typo_in_one_job_is_found_before_any_starts(small, tmp_path: Path) -> None:
    answer = segexp("train", "-m", *small("loss=dice,focall"), f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.returncode == 1
    assert "no option 'focall'; did you mean loss=focal? " in answer.stderr
    assert not list((tmp_path / "sweep").glob("*/"))


@pytest.mark.parametrize(
    ("override", "facts"),
    [
        ("hydra.sweeper.max_batch_size=2", ("hydra.sweeper.max_batch_size is 2", "use hydra.launcher.num_parallel")),
        ("hydra.launcher.num_parallel=0", ("hydra.launcher.num_parallel is 0", "null", "at least 1")),
        ("resume=somewhere", ("resume is somewhere", "leave it out", "hydra.sweep.dir")),
        ("trainer.devices=[0]", ("trainer.devices is [0]", "give a count")),
        ("trainer.num_nodes=2", ("trainer.num_nodes is 2", "hydra/launcher=slurm")),
    ],
)
def test_a_setting_that_a_launcher_cannot_follow_is_one_clear_error(
    small, tmp_path: Path, override: str, facts: tuple[str, ...]
) -> None:
    answer = segexp("train", "-m", *small(override), f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.train: ")
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_folder_that_cannot_be_written_fails_its_job_alone(small, tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    for seed in range(2):
        (tmp_path / f"sweep/{seed}_seed-{seed}").write_text("in the way")
    answer = segexp("train", "-m", *small("seed=0,1"), f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.returncode == 1
    assert [row["state"] for row in rows(tmp_path / "sweep")] == ["failed", "failed"]
    assert "1_seed-1" in rows(tmp_path / "sweep")[1]["reason"]
