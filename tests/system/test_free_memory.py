"""Free memory is what the machine has, within the limit of every control group around this process."""

from pathlib import Path

import pytest

from segexp.system import memory

GB = 10**9
FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file")
SECOND = ("memory.max", "memory.current", "inactive_file", "active_file")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GB available, and no control group yet."""
    for name in ("MACHINE", "GROUPS", "MOUNTED"):
        monkeypatch.setattr(memory, name, tmp_path / name)
    (tmp_path / "MACHINE").write_text(f"MemTotal: 99 kB\nMemAvailable: {8 * GB // 1024} kB\nHugePages_Total: 0\n")
    return tmp_path


def group(folder: Path, version: tuple[str, ...], most: int | str, used: int, cached: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / version[0]).write_text(f"{most}\n")
    (folder / version[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\n{version[2]} {cached}\n{version[3]} {cached}\n")


def test_without_a_control_group_it_is_that_of_the_machine(system: Path) -> None:
    assert memory.free_bytes() == 8 * GB // 1024 * 1024


@pytest.mark.parametrize(
    ("version", "line", "below"), [(FIRST, "4:cpu,memory:/job/step", "memory"), (SECOND, "0::/job/step", "")]
)
def test_the_tightest_group_around_the_process_counts_and_files_are_given_back(
    system: Path, version: tuple[str, ...], line: str, below: str
) -> None:
    (system / "GROUPS").write_text(f"3:cpuset:/\n{line}\n")
    mounted = system / "MOUNTED" / below
    group(mounted / "job/step", version, 6 * GB, GB)
    group(mounted / "job", version, 5 * GB, 3 * GB, GB // 2)
    assert memory.free_bytes() == 3 * GB
    group(mounted / "job/step", version, 2 * GB, 3 * GB)
    assert memory.free_bytes() == 0


def test_groups_without_a_limit_limit_nothing(system: Path) -> None:
    (system / "GROUPS").write_text("4:memory:/job\n0::/job\n")
    group(system / "MOUNTED/memory/job", FIRST, 9223372036854771712, GB)
    group(system / "MOUNTED/job", SECOND, "max", GB)
    assert memory.free_bytes() == 8 * GB // 1024 * 1024


def test_a_system_that_does_not_tell_is_an_os_error(system: Path) -> None:
    (system / "MACHINE").unlink()
    with pytest.raises(OSError, match="MACHINE"):
        memory.free_bytes()
