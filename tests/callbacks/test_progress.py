"""What a training says: on the terminal while it runs, and in train.log of its run folder."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.display.durations import duration
from segexp.run.folder import RunFolder
from segexp.types import Values
from tests.training import resume, start

TWELVE = ["data.batch_size=1", "trainer.limit_train_batches=6", "trainer.max_epochs=2"]
"""Overrides for twelve steps in two epochs."""


def logged(folder: Path) -> list[str]:
    """The lines of train.log without their times."""
    lines = (folder / "train.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*  ", line) for line in lines)
    return [line.split("  ", 1)[1] for line in lines]


def test_facts_come_first_then_the_time_and_a_line_for_each_epoch(
    compose_small: Callable[..., Values], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    start(compose_small(*TWELVE), tmp_path / "run", {"model": "gridnet", "data": "streets"})
    printed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("rendering")]
    lines = logged(tmp_path / "run")
    assert lines == printed
    rows = RunFolder(tmp_path / "run").history()
    mious = [row["val/miou"] for row in rows if "val/miou" in row]
    losses = [row["train/loss"] for row in rows if "train/loss" in row]
    words = [line.split()[0] for line in lines]
    assert words[:6] == ["precision", "network", "data", "steps", "loggers", "run"]
    assert lines[1].startswith("network     gridnet, ")
    assert lines[2] == "data        streets: 6 images to train on, 3 to validate on; 8 classes, cityscapes8"
    assert lines[3] == "steps       6 an epoch, of 1 image each; 2 epochs"
    assert lines[4:6] == ["loggers     none; every score is in metrics.jsonl", f"run folder  {tmp_path / 'run'}"]
    epochs = [line for line in lines if line.startswith("epoch")]
    for number, (line, miou, loss) in enumerate(zip(epochs, mious, losses, strict=True), start=1):
        assert line.startswith(f"epoch {number}/2  loss {loss:.4f}  val loss ")
        assert f"val mIoU {miou:.4f}  " in line
        assert ("the best so far" in line) == (miou == max(mious[:number]))
        assert ("left about" in line) == (number < 2)
    (estimate,) = [line for line in lines if line.startswith("time")]
    assert lines.index(estimate) == lines.index(epochs[0]) + 1  # after the tenth step, in the second epoch
    assert re.fullmatch(r"time        about \d+ s without validations, at \d+\.\d\d s a step", estimate)
    assert lines[-4].startswith(f"val mIoU    {max(mious):.4f} after epoch")


def test_a_quiet_training_says_it_in_its_file_alone(
    compose_small: Callable[..., Values], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    start(compose_small("quiet=true", "trainer.enable_progress_bar=true"), tmp_path / "run")
    assert capsys.readouterr().out == ""
    assert any(line.startswith("epoch 1/1  ") for line in logged(tmp_path / "run"))
    resume(tmp_path / "run", ["trainer.max_epochs=2", "quiet=false"])
    assert "epoch 2/2  " in capsys.readouterr().out


def test_a_resumed_training_knows_the_best_of_before(compose_small: Callable[..., Values], tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    start(compose_small(), run.path)
    step = run.history()[-1]["step"]
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "epoch": 0, "val/miou": 0.9}) + "\n")
    resume(run.path, ["trainer.max_epochs=2"])
    epochs = [line for line in logged(run.path) if line.startswith("epoch")]
    assert "the best so far" in epochs[0]
    assert "best 0.9000" in epochs[1]


def test_validations_between_epochs_are_told_by_step(compose_small: Callable[..., Values], tmp_path: Path) -> None:
    start(
        compose_small("trainer.max_epochs=-1", "trainer.max_steps=4", "trainer.val_check_interval=2"), tmp_path / "run"
    )
    lines = [line for line in logged(tmp_path / "run") if line.startswith(("step ", "epoch "))]
    assert [line.split("  ")[0] for line in lines] == ["step 2/4", "step 4/4"]


def test_a_long_training_on_a_cpu_is_told_what_is_shorter(
    compose_small: Callable[..., Values], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segexp.callbacks.progress.LONG_SECONDS", 0)
    start(compose_small(*TWELVE), tmp_path / "run")
    (line,) = [line for line in logged(tmp_path / "run") if line.startswith("shorter")]
    assert all(key in line for key in ("data.image_size=", "trainer.max_epochs=", "experiment=demo"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (260, "4 min 20 s"),
        (3600, "1 h"),
        (25_805, "7 h 10 min"),
        (183_600, "2 d 3 h"),
        (86_460, "1 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
