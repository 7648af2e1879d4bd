"""Say on the terminal what is trained, how long it will take, and how every epoch went."""

import math
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segexp.display.durations import duration
from segexp.run.folder import RunFolder
from segexp.run.train_log import TrainLog

SCORE = "val/miou"
METRICS = "metrics.jsonl"
NUM_TIMED = 10
"""Optimizer steps after which the time of a training is estimated; the first of them is left out."""
LONG_SECONDS = 3600
CHEAPER = (
    "shorter     on a CPU: smaller images (data.image_size=[128,256]), fewer epochs (trainer.max_epochs=10), or the "
    "small network of experiment=demo"
)


class ProgressReport(Callback):
    """Says it by the first rank, see `TrainLog`. Epochs count from 1.

    folder: the run folder. quiet: only in train.log.
    """

    changes_weights = False

    def __init__(self, folder: str, quiet: bool) -> None:
        self.run = RunFolder(Path(folder))
        self.train_log = TrainLog(self.run.path, quiet)
        self.num_parameters = 0
        self.is_pending = self.is_fitting = False
        self.first_step_ended: float | None = None

    def setup(self, trainer: Trainer, task: LightningModule, stage: str) -> None:
        self.num_parameters = sum(each.numel() for each in task.parameters())  # before a strategy shards them

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.is_fitting = True
        self.first_step, self.started = trainer.global_step, time.monotonic()
        self.epoch_started, self.first_step_ended, self.is_estimated = self.started, None, False
        if trainer.is_global_zero:
            self.best = max((row[SCORE] for row in self.run.history() if SCORE in row), default=-math.inf)
            self.train_log.say(*self._facts(trainer))

    def on_train_batch_end(self, trainer: Trainer, task: LightningModule, outputs, batch, batch_index: int) -> None:
        num_steps = trainer.global_step - self.first_step
        if num_steps == 1 and self.first_step_ended is None:
            self.first_step_ended = time.monotonic()
        if num_steps == NUM_TIMED and self.first_step_ended is not None and not self.is_estimated:
            self._estimate(trainer, (time.monotonic() - self.first_step_ended) / (NUM_TIMED - 1))
            self.is_estimated = True

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._say_pending(trainer, trainer.current_epoch)
        self.epoch_started = time.monotonic()

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.sanity_checking or not (self.is_fitting and trainer.is_global_zero):
            return
        if _is_of_an_epoch(trainer):  # whose training scores come after it
            self.is_pending = True
        else:
            self._say(trainer, f"step {trainer.global_step}{_of(trainer.max_steps)}", "train/loss_step")

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._say_pending(trainer, trainer.current_epoch)

    def _facts(self, trainer: Trainer) -> list[str]:
        choices = self.run.environment.get("choices", {}) if self.run.is_started() else {}
        names = [getattr(logger, "description", type(logger).__name__) for logger in trainer.loggers]
        ends = _count(trainer.max_epochs, "epoch") if (trainer.max_epochs or -1) > 0 else f"{trainer.max_steps} in all"
        ranks = f" on each of {trainer.world_size} ranks" if trainer.world_size > 1 else ""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        each = f", of {_count(data.batch_size, 'image')} each{ranks}" if data else ""  # None for loaders of one's own
        return [
            f"network     {choices.get('model', 'unnamed')}, {self.num_parameters:,} parameters",
            *([f"data        {choices.get('data', 'unnamed')}: {_images_and_classes(data)}"] if data else []),
            f"steps       {trainer.num_training_batches} an epoch{each}; {ends}",
            f"loggers     {_loggers(names)}",
            f"run folder  {self.run.path}",
        ]

    def _estimate(self, trainer: Trainer, seconds_a_step: float) -> None:
        left = _steps_left(trainer) * seconds_a_step
        if not math.isfinite(left) or not trainer.is_global_zero:
            return
        lines = [f"time        about {duration(left)} without validations, at {seconds_a_step:.2f} s a step"]
        if left > LONG_SECONDS and trainer.strategy.root_device.type == "cpu":
            lines.append(CHEAPER)
        self.train_log.say(*lines)

    def _say_pending(self, trainer: Trainer, epoch: int) -> None:
        if self.is_pending:
            self._say(trainer, f"epoch {epoch}{_of(trainer.max_epochs)}", "train/loss")
        self.is_pending = False

    def _say(self, trainer: Trainer, position: str, training_loss: str) -> None:
        metrics = trainer.callback_metrics
        scores = {"loss": training_loss, "val loss": "val/loss", "val mIoU": SCORE}
        words = [f"{word} {float(metrics[name]):.4f}" for word, name in scores.items() if name in metrics]
        is_best = SCORE in metrics and float(metrics[SCORE]) > self.best
        self.best = float(metrics[SCORE]) if is_best else self.best
        words += ["the best so far"] if is_best else [f"best {self.best:.4f}"] if self.best > -math.inf else []
        now = time.monotonic()
        done = trainer.global_step - self.first_step
        left = _steps_left(trainer) * (now - self.started) / max(1, done)
        words += [duration(now - self.epoch_started)]
        words += [f"left about {duration(left)}"] if 0 < left < math.inf else []
        self.train_log.say("  ".join([position, *words]))


def _is_of_an_epoch(trainer: Trainer) -> bool:
    """Whether validations are those of whole epochs."""
    return trainer.check_val_every_n_epoch is not None and trainer.val_check_batch == trainer.num_training_batches


def _steps_left(trainer: Trainer) -> float:
    """Optimizer steps to the planned end; infinite without one."""
    return trainer.estimated_stepping_batches - trainer.global_step


def _images_and_classes(data: Any) -> str:
    """data: a `DataModule`."""
    num_training, num_validation = (len(data.pairs(split)) for split in (data.train_split, data.val_split))
    classes = _count(data.grouping.num_classes, "class", "classes")
    images = f"{_count(num_training, 'image')} to train on, {num_validation} to validate on"
    return f"{images}; {classes}, {data.grouping.name}"


def _loggers(names: list[str]) -> str:
    """Those that were chosen, and where the scores are in any case."""
    chosen = [name for name in names if name != METRICS]
    return "; ".join([*(chosen or ["none"]), *([f"every score is in {METRICS}"] if METRICS in names else [])])


def _count(number: int | None, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _of(planned: int | None) -> str:
    return f"/{planned}" if planned and planned > 0 else ""
