"""The run folder is written whole, read back, and never taken from another run."""

import json
import os
import resource
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from segexp.run.folder import TERMINATED, RunFolder
from segexp.system.files import write_atomic
from tests.process import said_by, talking


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "a.json", "\udc80")
    assert (tmp_path / "a.json").read_text() == "old"


def _write_with_little_room(path: Path, said: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        write_atomic(path, b"x" * 10_000)
    except OSError as error:
        said.send(str(error))


def test_no_room_names_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.json", "old")
    assert "a.json: File too large; free some space" in said_by(_write_with_little_room, tmp_path / "a.json")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_finished_run_is_not_claimed_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.claim():
        assert run.state() == "running"
    assert run.state() == "finished"
    with pytest.raises(FileExistsError, match=r"already holds a run \(finished\).*resume="), run.claim():
        pass


def _hold(path: Path, ready: Connection) -> None:
    with RunFolder(path).claim():
        ready.send(os.getpid())
        ready.recv()


def test_a_running_training_is_neither_claimed_nor_resumed(tmp_path: Path) -> None:
    with talking(_hold, tmp_path) as holder:
        pid = holder.recv()
        for context in (RunFolder(tmp_path).claim, RunFolder(tmp_path).lock):
            with pytest.raises(FileExistsError, match=f"is being trained by process {pid} on"), context():
                pass
    assert RunFolder(tmp_path).state() == "running"  # nobody could say otherwise
    with RunFolder(tmp_path).claim():  # it never came to a checkpoint, so nothing is lost
        pass
    assert RunFolder(tmp_path).state() == "finished"


def _lock(path: Path, ready: Connection) -> None:
    with RunFolder(path).lock():
        ready.send(os.getpid())
        ready.recv()


def test_a_training_that_is_only_being_built_says_who_it_is(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_status("preempted", seconds=3.0)  # as the run that both want to resume has left it
    with talking(_lock, tmp_path) as holder:
        pid = holder.recv()
        for _ in range(2):
            with pytest.raises(FileExistsError, match=f"is being trained by process {pid} on"), run.lock():
                pass
    with run.lock():
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {"status.json", ".lock"}


def test_a_failure_is_recorded_with_its_reason(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(ValueError, match="wrong"), run.claim():
        raise ValueError("wrong")
    status = run.status()
    assert (status["state"], status["reason"]) == ("failed", "ValueError: wrong")
    assert "Traceback" in status["traceback"]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (KeyboardInterrupt(), "failed", "interrupted"),
        (SystemExit(130), "failed", "interrupted"),
        (SystemExit(TERMINATED), "preempted", "terminated"),
    ],
)
def test_an_end_from_outside_is_recorded(tmp_path: Path, error: BaseException, state: str, reason: str) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(type(error)), run.claim():
        raise error
    assert (run.state(), run.status()["reason"]) == (state, reason)


def test_a_failed_run_with_a_checkpoint_is_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(SystemExit), run.claim():
        sys.exit(str(write_atomic(run.checkpoints / "last.ckpt", "weights")))
    with pytest.raises(FileExistsError, match="failed"), run.claim():
        pass


@pytest.mark.parametrize("name", ["config.yaml", "environment.json", "metrics.jsonl"])
def test_files_of_something_else_are_not_overwritten(name: str, tmp_path: Path) -> None:
    """As after hydra.run.dir=. in somebody's project."""
    (tmp_path / name).write_text("mine")
    said = pytest.raises(FileExistsError, match=rf"has {name}, but no status.json.*another hydra.run.dir")
    with said, RunFolder(tmp_path).claim():
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_opening_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run folder"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="it has no config.yaml"):
        RunFolder.open(tmp_path)


def test_a_mistyped_run_is_answered_with_the_run_that_is_meant(tmp_path: Path) -> None:
    for name in ("seed_0", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "seed_0/config.yaml").touch()
    with pytest.raises(FileNotFoundError, match=f"; did you mean resume={tmp_path}/seed_0[?] train one first"):
        RunFolder.open(tmp_path / "sede_0", key="resume")
    with pytest.raises(FileNotFoundError, match=f"no run folder {tmp_path}/nots; train one first"):
        RunFolder.open(tmp_path / "nots")


def test_a_missing_checkpoint_is_answered_with_those_there_are(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    (run.checkpoints / "last.ckpt").touch()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 'best'.*there is \['last'\]"):
        run.checkpoint("best")


def test_config_and_history_come_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_config({"model": {"streams": [8, 16]}, "seed": 0, "name": "Straße"})
    assert run.config == {"model": {"streams": [8, 16]}, "seed": 0, "name": "Straße"}
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 1}) + "\n" + '{"step": 2, "val/mi')
    assert run.history() == [{"step": 1}]


@pytest.mark.parametrize("text", ["{torn", "[]", ""])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    for name in ("config.yaml", "environment.json", "status.json"):
        (tmp_path / name).write_text(text)
    run = RunFolder(tmp_path)
    for read, name in ((lambda: run.config, "config.yaml"), (run.status, "status.json")):
        with pytest.raises(ValueError, match=f"{name} (cannot be read|is damaged)"):
            read()


@pytest.mark.parametrize("text", ["", "{torn", "[]"])
def test_a_run_whose_status_was_lost_counts_as_interrupted(tmp_path: Path, text: str) -> None:
    run = RunFolder(tmp_path)
    write_atomic(run.checkpoints / "last.ckpt", "weights")
    (tmp_path / "status.json").write_text(text)
    with pytest.raises(FileExistsError, match=r"holds a run \(unknown\).*continue it with resume="), run.claim():
        pass
    with run.lock(), run.record_status():
        assert run.state() == "running"
    assert run.status()["state"] == "finished"


def test_a_run_whose_status_was_lost_before_any_checkpoint_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "status.json").touch()
    with RunFolder(tmp_path).claim():
        assert RunFolder(tmp_path).state() == "running"


def test_a_power_cut_cannot_empty_what_a_run_tells_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(os.fstat(file).st_size))
    run = RunFolder(tmp_path)
    run.write_config({"seed": 0})
    run.write_environment({"git": None})
    run.write_status("running")
    assert flushed == [(tmp_path / name).stat().st_size for name in ("config.yaml", "environment.json", "status.json")]


def test_steps_that_were_trained_again_count_once(tmp_path: Path) -> None:
    steps = [1, 2, 3, 4, 3, 4, 5]  # killed after 4, resumed from 2
    rows = [{"step": step, "row": number} for number, step in enumerate(steps)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["row"] for row in RunFolder(tmp_path).history()] == [0, 1, 4, 5, 6]


def test_what_was_logged_again_replaces_what_has_the_same_names(tmp_path: Path) -> None:
    """Killed in validation after step 9, resumed there: the loss of step 9 was not logged again."""
    rows = [{"step": 9, "loss": 1}, {"step": 9, "val": 2}, {"step": 10, "loss": 3}, {"step": 9, "val": 2}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert RunFolder(tmp_path).history() == rows[:2]


def test_what_was_logged_again_without_a_name_replaces_it_too(tmp_path: Path) -> None:
    """Killed after the scores of step 9, resumed before them: no sample was left to measure the speed of."""
    rows = [{"step": 9, "epoch": 1, "val": 2}, {"step": 9, "epoch": 1, "train": 3, "per_second": 4}]
    rows.append({"step": 9, "epoch": 1, "train": 3})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert RunFolder(tmp_path).history() == [rows[0], rows[2]]


def test_a_folder_that_cannot_be_locked_is_named_with_the_cure(tmp_path: Path) -> None:
    """A lock that is a folder stands for a disk that is read-only, which a test cannot make."""
    (tmp_path / ".lock").mkdir()
    said = f"^cannot write to {tmp_path}: Is a directory; make it writable, or copy it to where you may write"
    with pytest.raises(OSError, match=said), RunFolder(tmp_path).lock():
        raise AssertionError
