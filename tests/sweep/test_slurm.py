"""Submitting and following a sweep, with stand-ins for SLURM's commands; tests/cluster has the real ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.sweep import slurm
from segexp.sweep.job import Job, Resources
from segexp.sweep.sweep_folder import SweepFolder
from tests.sweep.settings import slurm_settings

TIMED_OUT = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    return SweepFolder(tmp_path / "sweep")


@pytest.fixture
def jobs(folder: SweepFolder) -> list[Job]:
    return [Job(number, f"seed={number}", folder.path / f"{number}_seed-{number}", ()) for number in range(2)]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a command of SLURM on the path that runs some lines of shell."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def put(name: str, lines: str) -> None:
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/bash\n{lines}\n")
        command.chmod(0o755)

    return put


def launch(folder: SweepFolder, jobs: list[Job]) -> int:
    resources = [Resources("cpu", 1, 1)] * len(jobs)
    return slurm.launch(folder, jobs, resources, "typed", slurm_settings())


def test_nothing_is_submitted_again_while_the_queue_does_not_answer(stand_in, folder, jobs) -> None:
    stand_in("sbatch", f"echo x >> {folder.path}/calls; echo 4")
    stand_in("squeue", TIMED_OUT)
    assert launch(folder, jobs) == 0  # of which nothing can be queued yet
    with pytest.raises(ValueError, match=r"squeue does not answer.*submitted as 4; try again"):
        launch(folder, jobs)
    assert (folder.path / "calls").read_text() == "x\n"
    stand_in("squeue", "echo '0|RUNNING|None'")
    assert launch(folder, jobs) == 0
    assert "--array=1\n" in (folder.path / "sweep.sbatch").read_text()
    assert slurm.array_ids(folder) == ["4", "4"]


def test_a_sweep_that_was_not_submitted_is_not_followed(folder, jobs, capsys) -> None:
    folder.record(jobs, "typed")
    with RunFolder(jobs[0].folder).claim(), pytest.raises(ValueError, match="nothing of .*/sweep was.*wait=false"):
        slurm.follow(folder, jobs)
    assert capsys.readouterr().out == ""
    with RunFolder(jobs[1].folder).claim():
        assert slurm.job_statuses(folder, jobs)[1].state == "running"
    assert slurm.follow(folder, jobs) == 0
    assert "2 finished" in capsys.readouterr().out


def test_a_sweep_is_not_followed_on_a_machine_without_squeue(stand_in, folder, jobs, capsys, monkeypatch) -> None:
    """On a laptop that sees the cluster's folders the command would wait for ever."""
    stand_in("sbatch", "echo 4")
    monkeypatch.setenv("PATH", str(folder.path.parent / "bin"))  # /usr/bin may have SLURM's own
    assert launch(folder, jobs) == 0
    with pytest.raises(ValueError, match="no squeue") as refusal:
        slurm.follow(folder, jobs)
    facts = (str(folder.path), "SLURM", "wait=false")
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value
    for job in jobs:
        with RunFolder(job.folder).claim():
            pass
    assert slurm.follow(folder, jobs) == 0
    assert "2 finished" in capsys.readouterr().out
