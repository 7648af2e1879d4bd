"""The status of a job is read from its run folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.sweep.job import Job
from segexp.sweep.job_status import ProcessState, job_status, process_state


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(0, "seed=0", tmp_path / "0_seed-0", ("seed=0",))


def test_a_job_that_never_started_waits(job: Job) -> None:
    assert job_status(job, process_state(job))[3:] == ("waiting", None, None, None, "")
    assert job_status(job, ProcessState.RUNNING).state == "starting"


def test_a_finished_run_shows_its_best_score(job: Job) -> None:
    with RunFolder(job.folder).claim():
        rows = [{"step": step, "epoch": step, "val/miou": miou} for step, miou in enumerate((0.1, 0.3, 0.2))]
        (job.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        running = job_status(job, process_state(job))
        assert (running.state, running.epoch, running.val_miou) == ("running", 3, 0.3)
    status = job_status(job, process_state(job))
    assert (status.state, status.reason) == ("finished", "")
    assert status.minutes is not None
    assert status.minutes < 1


def test_a_run_that_was_killed_failed(job: Job) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom segexp.run.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).claim():\n    os.kill(os.getpid(), 9)"
    )
    exit_status = subprocess.run([sys.executable, "-c", code, str(job.folder)]).returncode
    assert exit_status == -9
    assert job_status(job, process_state(job)).state == "failed"
    reason = job_status(job, process_state(job)).reason
    assert [fact for fact in ("killed", "out of memory", str(job.log)) if fact not in reason] == [], reason
    assert "ended by SIGKILL" in job_status(job, ProcessState.ENDED, exit_status).reason


def test_a_failure_before_the_run_began_is_quoted_from_its_log(job: Job) -> None:
    job.folder.mkdir()
    job.log.write_text("$ python\nsegexp.train: no key 'modle'\n")
    assert job_status(job, ProcessState.ENDED, 1)[3:] == ("failed", None, None, None, "segexp.train: no key 'modle'")


def test_a_damaged_status_file_is_named_and_hides_no_other_job(job: Job) -> None:
    job.folder.mkdir()
    (job.folder / "status.json").write_text("{torn")
    status = job_status(job, ProcessState.ENDED)
    assert status.state == "failed"
    assert "status.json cannot be read" in status.reason
