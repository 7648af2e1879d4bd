"""Which offline runs are left alone, and what is reported of a client that dies; nothing is sent here."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segexp.compare.wandb.sync import MOST_NAMED, offline_run, send_offline_runs
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from tests.logger.client import environment, online, run
from tests.wandb_standin import Standin

TRAINS = """
import sys
from pathlib import Path
from segexp.run.folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
with folder.lock(), folder.record_status():
    print("trains", flush=True)
    sys.stdin.read()
"""
"""What a training does with its folder, until it is asked to end."""


def recorded(folder: Path) -> Path:
    """A run folder with one part that was recorded offline."""
    part = folder / "wandb/offline-run-20260101_000000-a0"
    write_atomic(part / "run-a0.wandb", b"")
    return part


@contextmanager
def training(folder: Path) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-c", TRAINS, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(folder.parent), **pipes) as process:
        assert process.stdout.readline() == "trains\n"
        try:
            yield process
        finally:
            process.kill()


def with_dying_client(folder: Path) -> subprocess.CompletedProcess[str]:
    """segexp.compare sync=true of a folder of runs where W&B's client is killed before it says a word."""
    client = "import os, sys\nif sys.orig_argv[1:4] == ['-m', 'wandb', 'sync']:\n    os.kill(os.getpid(), 9)\n"
    write_atomic(folder.parent / "dying/sitecustomize.py", client)
    path = f"{folder.parent / 'dying'}:{environment(folder)['PYTHONPATH']}"
    with Standin() as server:
        overrides = [f"runs={folder}", "output=null", "sync=true"]
        return run("-m", "segexp.compare", *overrides, home=folder.parent, PYTHONPATH=path, **online(server.url))


def test_a_killed_training_is_left_alone_no_more_and_a_killed_client_sent_nothing(sweep: Path) -> None:
    part = recorded(sweep / "a0")
    with training(sweep / "a0") as process:
        text = send_offline_runs([sweep / "a0"], None)
        assert "runs left alone as they may still train: 1; once one has ended:" in text
        assert text.endswith(f"\nwandb sync {part}")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert RunFolder(sweep / "a0").state() == "running"
    answer = with_dying_client(sweep)
    assert answer.returncode == 1
    facts = ("did not take 1 of 1 runs", "stay as they are", f"{sweep / 'a0'}: ", "status -9", f"wandb sync {part}")
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr


def test_of_what_runs_on_another_machine_only_its_end_counts(sweep: Path) -> None:
    part = recorded(sweep / "a0")
    RunFolder(sweep / "a0").write_status("running", host="another machine")
    text = send_offline_runs([sweep / "a0"], ("team", "project"))
    assert text.endswith(f"\nwandb sync --entity team --project project {part}")
    assert len(offline_run(sweep / "a0").unsent) == 1


def test_few_of_many_that_may_train_are_named(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(MOST_NAMED + 2)]
    for folder in folders:
        recorded(folder)
        RunFolder(folder).write_status("running", host="another machine")
    _, heading, *commands, more = send_offline_runs(folders, None).splitlines()
    assert heading == f"runs left alone as they may still train: {len(folders)}; once one has ended:"
    assert (len(commands), more) == (MOST_NAMED, "and 2 more")
