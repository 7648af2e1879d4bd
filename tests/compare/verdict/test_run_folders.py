"""Every run below a folder is read once, whether it lies there or is linked; what cannot be looked into is named."""

import os
from pathlib import Path

import pytest

from segexp.compare.verdict.runs import read_runs
from segexp.run.folder import RunFolder
from segexp.run.search import run_folders
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run

NAME = "x" * 250


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    finished_run(tmp_path / "sweep/here", {"_target_": "dice"}, 0)
    finished_run(tmp_path / "elsewhere/run", {"_target_": "dice"}, 1)
    return tmp_path / "sweep"


def names(pattern: object) -> list[str]:
    return [folder.name for folder in run_folders(str(pattern))]


def make_deep(folder: Path) -> None:
    """Make folders below each other until their path is longer than the system takes: not even root can list it."""
    opened = [os.open(folder, os.O_RDONLY)]
    try:
        for _ in range(4096 // len(NAME) + 1):
            os.mkdir(NAME, dir_fd=opened[-1])
            opened.append(os.open(NAME, os.O_RDONLY, dir_fd=opened[-1]))
    finally:
        for each in opened:
            os.close(each)


def test_a_linked_run_is_one_of_the_folder_that_holds_the_link(sweep: Path) -> None:
    (sweep / "linked").symlink_to(sweep.parent / "elsewhere/run")
    assert names(sweep) == ["here", "linked"]
    assert [run.seed for run in read_runs(str(sweep), "val").runs] == [0, 1]


def test_a_run_that_lies_there_and_is_linked_counts_once_as_what_lies_there(sweep: Path) -> None:
    for name in ("again", "more"):
        (sweep / name).symlink_to(sweep / "here")
    assert names(sweep) == names(sweep / "*") == ["here"]
    assert not read_runs(str(sweep), "val").skipped


def test_links_that_lead_round_or_nowhere_or_to_no_run_are_not_followed(sweep: Path) -> None:
    (sweep / "round").symlink_to(sweep.parent)
    (sweep / "nowhere").symlink_to(sweep / "none")
    (sweep / "file").touch()
    assert names(sweep) == names(sweep / "[hnf]*") == ["here"]
    assert not read_runs(str(sweep / "[hnf]*"), "val").skipped


def test_a_training_that_failed_before_it_recorded_its_configuration_is_left_out_by_name(sweep: Path) -> None:
    with pytest.raises(ValueError, match="batch_size"), RunFolder(sweep / "there").claim():
        raise ValueError("data.batch_size is 'many'")
    for name, content in (("foreign", '{"id": 7}'), ("torn", "{")):
        write_atomic(sweep / name / "status.json", content)
    comparable = read_runs(str(sweep), "val")
    assert [run.path.name for run in comparable.runs] == ["here"]
    assert comparable.skipped == [
        (sweep / "there", "failed during training: ValueError: data.batch_size is 'many'"),
    ]


def test_a_folder_that_cannot_be_looked_into_is_left_out_by_name(sweep: Path) -> None:
    make_deep(sweep)
    ((path, reason),) = read_runs(str(sweep), "val").skipped
    assert path.name == NAME
    assert reason == "cannot be looked into: File name too long"


def test_where_no_run_is_found_the_error_names_what_cannot_be_looked_into(tmp_path: Path) -> None:
    make_deep(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no run folder .*; /.*x cannot be looked into: .*; correct runs="):
        run_folders(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into everything")
def test_a_folder_without_permission_is_left_out_by_name(sweep: Path) -> None:
    closed = sweep / "closed"
    closed.mkdir(mode=0)
    assert read_runs(str(sweep), "val").skipped == [(closed, "cannot be looked into: Permission denied")]
