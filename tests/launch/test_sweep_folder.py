"""A sweep folder belongs to one sweep."""

from dataclasses import replace
from pathlib import Path

import pytest

from segexp.launch.job import Job
from segexp.launch.sweep_folder import SweepFolder


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(number, f"seed={number}", folder / f"{number}", (f"seed={number}", "a=b")) for number in range(count)]


def test_jobs_come_back_wherever_the_folder_is(tmp_path: Path) -> None:
    SweepFolder(tmp_path / "a").record(jobs(tmp_path / "a", 12), "typed")
    (tmp_path / "a").rename(tmp_path / "b")
    assert SweepFolder(tmp_path / "b").jobs() == jobs(tmp_path / "b", 12)


def test_the_same_jobs_and_further_ones_go_on_with_it(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    folder.record(jobs(tmp_path, 2), "typed")
    assert folder.record(jobs(tmp_path, 4), "typed") == jobs(tmp_path, 4)
    assert folder.record(jobs(tmp_path, 1), "typed") == jobs(tmp_path, 4)


def test_other_jobs_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    folder.record(jobs(tmp_path, 2), "typed")
    before = (tmp_path / "sweep.yaml").read_text()
    changed = [replace(job, arguments=(*job.arguments[:1], "a=c")) for job in jobs(tmp_path, 2)]
    with pytest.raises(ValueError, match=r"job 0 has a=b where this one has a=c.*another hydra.sweep.dir"):
        folder.record(changed, "typed")
    assert (tmp_path / "sweep.yaml").read_text() == before


def test_no_sweep_and_a_damaged_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no sweep folder"):
        SweepFolder(tmp_path).jobs()
    (tmp_path / "sweep.yaml").write_text("jobs: [1]")
    with pytest.raises(ValueError, match="cannot be read"):
        SweepFolder(tmp_path).jobs()
