"""A sweep folder belongs to one sweep."""

from dataclasses import replace
from pathlib import Path

import pytest

from segexp.sweep.job import Job
from segexp.sweep.sweep_folder import SweepFolder


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


def test_a_sweep_whose_texts_were_quoted_differently_goes_on(tmp_path: Path) -> None:
    """Earlier versions quoted `logger.group` of a sweep folder with @ or a colon."""
    folder = SweepFolder(tmp_path)
    folder.record([with_argument(job, "logger.group='me@host:10:20'") for job in jobs(tmp_path, 2)], "typed")
    now = [with_argument(job, "logger.group=me@host:10:20") for job in jobs(tmp_path, 2)]
    assert folder.record(now, "typed") == now
    with pytest.raises(ValueError, match=r"job 0 has logger.group=me.* where this one has logger.group=you"):
        folder.record([with_argument(job, "logger.group=you") for job in now], "typed")


@pytest.mark.parametrize("other", ["seed='1'", "seed=true", "seed=1.0", "+seed=1"])
def test_arguments_that_only_look_alike_are_another_sweep(other: str, tmp_path: Path) -> None:
    folder, [job] = SweepFolder(tmp_path), jobs(tmp_path, 1)
    folder.record([with_argument(job, "seed=1")], "typed")
    with pytest.raises(ValueError, match="holds another sweep"):
        folder.record([with_argument(job, other)], "typed")


def with_argument(job: Job, argument: str) -> Job:
    return replace(job, arguments=("--config-dir", "/a=b", argument))


def test_a_folder_without_a_sweep_and_a_damaged_sweep_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a sweep folder"):
        SweepFolder(tmp_path).jobs()
    (tmp_path / "sweep.yaml").write_text("jobs: [1]")
    with pytest.raises(ValueError, match="cannot be read"):
        SweepFolder(tmp_path).jobs()
