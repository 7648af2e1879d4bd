"""Commands that start in the same second work in folders of their own."""

import datetime
import sys
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig

from segexp.config.command_line import entry_point
from segexp.system import ranks


class OneSecond(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "OneSecond":
        return cls(2026, 1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def in_one_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hydra.core.utils.datetime", OneSecond)
    ranks.new_folder.cache_clear()


def folder_of_command(*typed: str) -> str:
    """The run folder that a new process would work in."""
    ranks.new_folder.cache_clear()
    folders: list[str] = []
    sys.argv[1:] = typed
    entry_point("train")(
        lambda values: folders.extend([HydraConfig.get().runtime.output_dir, HydraConfig.get().run.dir])
    )()
    assert Path(folders[1]).absolute() == Path(folders[0])  # the one that Lightning tells its further ranks
    return Path(folders[0]).name


def test_trainings_of_one_second_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["segexp"])
    name = "2026-01-02_03-04-05_gridnet_cross_entropy"
    assert [folder_of_command() for _ in range(3)] == [name, f"{name}_2", f"{name}_3"]
    assert folder_of_command("loss=dice") == "2026-01-02_03-04-05_gridnet_dice"
    assert folder_of_command("hydra.run.dir=mine") == folder_of_command("hydra.run.dir=mine") == "mine"
    assert len(list((tmp_path / "outputs/runs").iterdir())) == 4


def test_a_further_rank_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ranks.new_folder("run") == "run"
    assert list(tmp_path.iterdir()) == []


def test_sweeps_of_one_second_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end before their first job, as it lacks a value."""
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["segexp", "-m", "data=camvid", "seed=0,1"])
        ranks.new_folder.cache_clear()
        with pytest.raises(SystemExit, match=r"no value for data.root"):
            entry_point("train")(print)()
    assert sorted(path.name for path in (tmp_path / "outputs/sweeps").iterdir()) == [
        "2026-01-02_03-04-05",
        "2026-01-02_03-04-05_2",
    ]


@pytest.mark.parametrize("typed", [["hydra.run.dir=/proc/no/x"], ["-m", "seed=0,1", "hydra.sweep.dir=/proc/no/x"]])
def test_a_folder_that_cannot_be_made_is_one_line_with_the_cure(typed: list[str], monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["segexp", *typed])
    with pytest.raises(SystemExit, match=r"^segexp.train: .*'/proc/no'; choose folders that you may write to"):
        entry_point("train")(print)()
