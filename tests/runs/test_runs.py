"""python -m segexp.runs lists every run below a folder, whatever state it is in."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from segexp.config.compose import compose
from segexp.run.folder import RunFolder
from segexp.runs.run_row import RunRow, run_row
from segexp.runs.settings import RunsSettings
from segexp.runs.table import common_options, table

pytestmark = pytest.mark.fast
MIOUS = (0.1, 0.3, 0.2)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that is in its fourth of five epochs."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_config({"trainer": {"max_epochs": 5}})
    choices = {"model": "unet", "loss": "dice", "data": "streets", "classes": "cityscapes8", "experiment": None}
    of_sweep = ["on_existing=resume", "trainer.enable_progress_bar=false"]
    typed = ["model=unet", "loss=dice", "seed=3", "data.root=/d"]
    run.write_environment({"choices": choices, "overrides": [*typed, *of_sweep]})
    rows = [{"step": step, "epoch": step, "val/miou": miou} for step, miou in enumerate(MIOUS)]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


def test_a_run_that_trains_is_told_from_one_that_was_killed(run: RunFolder) -> None:
    with run.lock(), run.record_status():
        row = run_row(run.path)
        assert row[:5] == (run.path, "running", 3, 5, max(MIOUS))
        assert 0 <= row.age_seconds < 60
        assert row.options == ("unet", "dice", "streets", "cityscapes8", "seed=3")
        running = run.status()
    assert run_row(run.path).state == "finished"
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    run.write_status("running", host=running["host"], process=int(gone.stdout))
    assert run_row(run.path).state == "killed"
    run.write_status("running", host="another-machine", process=1)  # of which nothing can be said here
    assert run_row(run.path).state == "running"


@pytest.mark.parametrize("name", ["config.yaml", "environment.json", "status.json", "metrics.jsonl"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", None])
def test_a_damaged_run_is_listed_with_what_can_be_read(run: RunFolder, name: str, content: bytes | None) -> None:
    run.write_status("finished")
    intact = run_row(run.path)
    (run.path / name).unlink()
    if content is not None:
        (run.path / name).write_bytes(content)
    row = run_row(run.path)
    lost = {
        "config.yaml": {"num_epochs": None},
        "environment.json": {"options": ()},
        "status.json": {"state": "none" if content is None else "unknown", "age_seconds": math.inf},
        "metrics.jsonl": {"epoch": None, "val_miou": None},
    }
    assert row == intact._replace(**lost[name], **({} if name == "status.json" else {"age_seconds": row.age_seconds}))
    Console(width=200).print(table([row]))


def test_options_of_all_runs_stand_once() -> None:
    rows = [RunRow(Path(f"/{seed}"), "finished", 1, 1, 0.5, 9.0, ("unet", "dice", f"seed={seed}")) for seed in (0, 1)]
    assert common_options(rows) == ("unet", "dice")
    assert common_options(rows[:1]) == ()
    terminal = Console(width=100, record=True)
    terminal.print(table(rows))
    printed = terminal.export_text()
    assert printed.count("unet dice") == 1
    assert all(f"seed={seed}" in printed for seed in (0, 1))


def test_settings_are_those_of_the_yaml() -> None:
    values = compose("runs")
    assert RunsSettings.of({key: values[key] for key in RunsSettings.model_fields}).folder == "outputs"
    with pytest.raises(ValueError, match="state is 'dead'; allowed: null, or running, finished, preempted, failed"):
        RunsSettings.of({"folder": "outputs", "state": "dead"})
