"""A folder is one process's at a time, whoever leaves it at that moment."""

import subprocess
import sys
from pathlib import Path

import pytest

from segexp.system.lock import exclusive_folder

LEFT_TWICE = """
import sys
from pathlib import Path
from segexp.system.lock import exclusive_folder

folder, times = Path(sys.argv[1]), 2

def leave(event, arguments):
    global times
    if event == "open" and arguments[0] == str(folder / ".lock") and times:
        times -= 1
        folder.rmdir()

sys.addaudithook(leave)
with exclusive_folder(folder, "taken", "unwritable"):
    (folder / "file").touch()
print(times)
"""
"""Somebody who leaves removes the folder just before the lock in it is opened."""


def test_a_folder_that_another_removes_while_it_leaves_is_made_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEFT_TWICE, str(tmp_path / "folder")]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert (answer.stdout, answer.stderr) == ("0\n", "")
    assert {path.name for path in (tmp_path / "folder").iterdir()} == {".lock", "file"}


def test_a_folder_has_room_for_one(tmp_path: Path) -> None:
    with (
        exclusive_folder(tmp_path, "taken", ""),
        pytest.raises(FileExistsError, match="is taken"),
        exclusive_folder(tmp_path, "taken", ""),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_at_last() -> None:
    lock = exclusive_folder(Path("/proc/nothing/folder"), "taken", "choose another")
    with pytest.raises(OSError, match="cannot write to /proc/.*: No such file or directory; choose another"), lock:
        pass
