"""Where a job stands is read from its run folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.sweep.job import Job
from segexp.sweep.outcome import Life, life_of, outcome


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(0, "seed=0", tmp_path / "0_seed-0", ("seed=0",))


def test_a_job_that_never_started_waits(job: Job) -> None:
    assert outcome(job, life_of(job))[3:] == ("waiting", None, None, None, "")
    assert outcome(job, Life.ALIVE).state == "starting"


def test_a_finished_run_shows_its_best_score(job: Job) -> None:
    with RunFolder(job.folder).claimed():
        rows = [{"step": step, "epoch": step, "val/miou": miou} for step, miou in enumerate((0.1, 0.3, 0.2))]
        (job.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        running = outcome(job, life_of(job))
        assert (running.state, running.epoch, running.val_miou) == ("running", 3, 0.3)
    found = outcome(job, life_of(job))
    assert (found.state, found.reason) == ("finished", "")
    assert found.minutes is not None
    assert found.minutes < 1


def test_a_run_that_died_without_a_word_failed(job: Job) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom segexp.run.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).claimed():\n    os.kill(os.getpid(), 9)"
    )
    status = subprocess.run([sys.executable, "-c", code, str(job.folder)]).returncode
    assert status == -9
    assert outcome(job, life_of(job)).state == "failed"
    assert "gone without a word" in outcome(job, life_of(job)).reason
    assert "ended by SIGKILL" in outcome(job, Life.GONE, status).reason


def test_a_failure_before_the_run_began_is_quoted_from_its_log(job: Job) -> None:
    job.folder.mkdir()
    job.log.write_text("$ python\nsegexp.train: no key 'modle'\n")
    assert outcome(job, Life.GONE, 1)[3:] == ("failed", None, None, None, "segexp.train: no key 'modle'")


def test_a_damaged_status_is_said_and_hides_no_other_job(job: Job) -> None:
    job.folder.mkdir()
    (job.folder / "status.json").write_text("{torn")
    found = outcome(job, Life.GONE)
    assert found.state == "failed"
    assert "status.json cannot be read" in found.reason
