"""A file is whole, whoever else writes it at the same time, and whoever was killed while writing."""

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from segexp.system.files import (
    InvalidNameError,
    from_here,
    make_new_folder,
    partial_file,
    remove_abandoned_parts,
    write_atomic,
)

WRITING = """
import sys
from pathlib import Path
from segexp.system.files import partial_file

with partial_file(Path(sys.argv[1])) as part:
    print(part.name, flush=True)
    sys.stdin.read()
"""


def test_a_path_to_type_begins_in_the_current_folder_where_it_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "outputs/run") == Path("outputs/run")
    assert from_here(tmp_path.with_name("elsewhere") / "run") == tmp_path.with_name("elsewhere") / "run"


def test_threads_that_write_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    contents = [bytes([number]) * 300_000 for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomic(tmp_path / "file", content), contents))
    assert (tmp_path / "file").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[int, bool]] = []
    fsync = os.fsync

    def watched(file: int) -> None:
        fsync(file)
        flushed.append((os.fstat(file).st_size, (tmp_path / "file").exists()))

    monkeypatch.setattr(os, "fsync", watched)
    write_atomic(tmp_path / "file", "whole")
    assert flushed == []
    (tmp_path / "file").unlink()
    assert write_atomic(tmp_path / "file", "whole", durable=True).read_text() == "whole"
    assert flushed == [(len("whole"), False)]


def test_the_longest_name_can_be_written_and_a_longer_one_is_refused_as_a_name(tmp_path: Path) -> None:
    longest = "n" * os.pathconf(tmp_path, "PC_NAME_MAX")
    assert write_atomic(tmp_path / longest, "whole").read_text() == "whole"
    with pytest.raises(InvalidNameError, match="too long; choose another name"):
        write_atomic(tmp_path / f"{longest}n", "whole")
    with pytest.raises(InvalidNameError, match="choose another name"):
        write_atomic(tmp_path / longest / "below_a_file", "whole")


def test_a_name_that_is_too_long_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError, match="too long"), partial_file(tmp_path / ("n" * 1000)):
        pytest.fail("the body would have written in vain")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    with suppress(KeyError), partial_file(tmp_path / "file") as part:
        part.write_text("half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_no_lock_keeps_the_body_from_writing_where_locks_are_mandatory(tmp_path: Path) -> None:
    with partial_file(tmp_path / "file") as part, part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_a_killed_process_left_is_removed_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITING, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        part = tmp_path / writer.stdout.readline().strip()
        remove_abandoned_parts(tmp_path)
        assert part.is_file()
        writer.kill()
    here, process_and_rest = part.name[1:].split("-", 1)
    of_another_machine = tmp_path / f".{here[::-1]}-{process_and_rest}"
    of_another_machine.touch()
    assert part.is_file()
    remove_abandoned_parts(tmp_path)
    assert list(tmp_path.iterdir()) == [of_another_machine]


def test_nothing_was_left_where_no_folder_can_be(tmp_path: Path) -> None:
    remove_abandoned_parts(tmp_path / "nowhere")
    remove_abandoned_parts(tmp_path.joinpath(*100 * ["n" * 100]))


def test_threads_that_make_one_folder_get_one_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make_new_folder(tmp_path / "runs/run"), range(16)))
    assert sorted(made) == sorted((tmp_path / "runs").iterdir())
    assert {folder.name for folder in made} == {"run", *(f"run_{number}" for number in range(2, 17))}


def test_a_folder_that_cannot_be_made_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(InvalidNameError, match=r"could not write .*runs/run: .*; choose another name"):
        make_new_folder(tmp_path / "runs/run")
