"""Commands and paths of a report are those that were typed."""

import json
from pathlib import Path

import pytest

from segexp.compare.report.provenance import run_sources, training_commands
from segexp.compare.report.relative import relative
from segexp.system.files import write_atomic
from tests.compare.report.runs import compare_folder, run

SWEEP = "python -m segexp.train -m loss=focal,dice seed=0,1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for loss in ("focal", "dice"):
        for seed in range(2):
            run(tmp_path / f"{loss}{seed}", loss, seed)
    return tmp_path


def record(run: Path, *command: str) -> None:
    path = run / "environment.json"
    write_atomic(path, json.dumps(json.loads(path.read_text()) | {"command": command}))


def test_a_sweep_is_one_command_for_all_its_variants(folder: Path) -> None:
    jobs = {f"{loss}{seed}": {} for loss in ("focal", "dice") for seed in range(2)}
    write_atomic(folder / "sweep.yaml", json.dumps({"command": SWEEP, "jobs": jobs}))
    (command,) = training_commands(compare_folder(folder))
    assert command == (SWEEP, ["loss=focal", "loss=dice"], [0, 1], True)


def test_a_run_beside_a_sweep_has_its_own_command(folder: Path) -> None:
    write_atomic(folder / "sweep.yaml", json.dumps({"command": SWEEP, "jobs": {"dice0": {}, "dice1": {}}}))
    record(folder / "focal0", "python", "__main__.py", "loss=focal", "seed=0", "hydra.run.dir=my run")
    commands = training_commands(compare_folder(folder))
    assert [each.command for each in commands] == [
        "python -m segexp.train loss=focal seed=0 'hydra.run.dir=my run'", SWEEP
    ]  # fmt: skip


def test_what_a_launcher_added_was_not_typed(folder: Path) -> None:
    record(folder / "focal0", "python", "__main__.py", "hydra.mode=RUN", "loss=focal", "seed=0", "quiet=true")
    assert training_commands(compare_folder(folder))[0].command == "python -m segexp.train loss=focal seed=0"


def test_runs_are_named_below_the_folder_they_share(folder: Path) -> None:
    sources = run_sources(compare_folder(folder))
    assert (sources.folder, sources.commits) == (folder, ["0123456789"])
    assert {source.folder for source in sources.runs} == {"focal0", "focal1", "dice0", "dice1"}


def test_paths_below_the_current_folder_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"run={tmp_path}/a/b '{tmp_path}/c d' /elsewhere{tmp_path}/e {tmp_path}x/f"
    assert relative(text) == f"run=a/b 'c d' /elsewhere{tmp_path}/e {tmp_path}x/f"
