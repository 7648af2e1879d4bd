"""What the task shows of a training, and that a training without an end has a learning rate wherever it can."""

from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.train.assemble import assemble
from segexp.train.settings import TrainSettings
from segexp.types import Values
from tests.training import start

Compose = Callable[..., Values]
ENDLESS = ("trainer.max_epochs=-1", "callbacks.panels.num_scenes=0")


@pytest.mark.parametrize("scheduler", ["constant", "inverse_time"])
def test_a_training_without_an_end_has_a_learning_rate(compose_small: Compose, tmp_path: Path, scheduler: str) -> None:
    values = compose_small(*ENDLESS, f"scheduler={scheduler}")
    TrainSettings.of(values)
    _, task, _, trainer = assemble(values, tmp_path)
    task.trainer = trainer
    optimizer = task.configure_optimizers()["optimizer"]
    assert optimizer.param_groups[0]["lr"] == values["optimizer"]["lr"]


def test_the_progress_bar_shows_no_training_scores_which_would_be_of_the_epoch_before(
    compose_small: Compose, tmp_path: Path
) -> None:
    _, task, data, trainer = assemble(compose_small("callbacks.panels.num_scenes=0"), tmp_path)
    trainer.fit(task, data)
    assert {"train/loss", "train/miou"} <= trainer.callback_metrics.keys()
    assert trainer.progress_bar_metrics.keys() == {"val/loss", "val/miou"}


@pytest.mark.slow
def test_a_training_without_an_end_trains_until_it_is_stopped(compose_small: Compose, tmp_path: Path) -> None:
    after_one_epoch = ["callbacks=[default,early_stopping]", "+callbacks.early_stopping.stopping_threshold=-1"]
    start(compose_small(*after_one_epoch, *ENDLESS), tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    assert run.state() == "finished"
    rates = [row["train/lr"] for row in run.history() if "train/lr" in row]
    assert rates == pytest.approx([run.config["optimizer"]["lr"]])


@pytest.mark.parametrize("scheduler", ["poly", "cosine"])
def test_a_schedule_that_needs_the_end_is_refused_without_one(compose_small: Compose, scheduler: str) -> None:
    values = compose_small(*ENDLESS, f"scheduler={scheduler}")
    said = rf"trainer.max_epochs is -1, .* scheduler={scheduler} .*set trainer.max_epochs or trainer.max_steps"
    with pytest.raises(ValueError, match=said):
        TrainSettings.of(values)
    TrainSettings.of({**values, "trainer": {**values["trainer"], "max_steps": 4}})
