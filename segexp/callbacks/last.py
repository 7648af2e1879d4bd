"""Write last.ckpt, from which a run goes on as if it had never been interrupted."""

import math
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from segexp.callbacks import loop_state
from segexp.run.checkpoint_io import sync_folder
from segexp.system import lightning_internals
from segexp.types import Values


class KeepLast(Checkpoint):
    """Writes last.ckpt after every epoch and every N optimizer steps, and keeps the one before as previous.ckpt.

    dirpath: the folder of the checkpoints. every_n_train_steps: N; None for epochs only.
    A run that goes on from one ends with the weights and the scores that it would have had undisturbed. So it also
    holds how far the epoch came, and what each rank had counted in it. Random numbers need no state, since all are
    drawn from (seed, epoch, index).
    Raises ValueError if a checkpoint from the middle of an epoch meets another number of ranks.
    """

    changes_weights = False

    def __init__(self, dirpath: str, every_n_train_steps: int | None) -> None:
        if every_n_train_steps is not None and (type(every_n_train_steps) is not int or every_n_train_steps < 1):
            raise ValueError(
                f"callbacks.last.every_n_train_steps is {every_n_train_steps!r}; allowed: null, or a whole number of "
                "at least 1"
            )
        self.folder = Path(dirpath)
        self.every_n_train_steps = every_n_train_steps
        self.saved: tuple[int, int] | None = None
        self.is_due = False
        self.is_between_epochs = False
        self.has_ended = False
        self.loaded: dict[str, Any] = {}
        self.scheduled: Values = {}
        self.counted_in_epoch: dict[str, Values] | None = None

    def save(self, trainer: Trainer) -> None:
        """Write last.ckpt; all ranks call this together."""
        self.is_due = False
        self.saved = _progress(trainer)
        following = self.folder / "last.next"
        trainer.save_checkpoint(following, weights_only=False)
        if trainer.is_global_zero:
            last = self.folder / "last.ckpt"
            if last.is_file():
                last.replace(self.folder / "previous.ckpt")
            following.replace(last)
            sync_folder(self.folder)

    def on_train_batch_end(self, trainer: Trainer, task: LightningModule, outputs, batch, batch_index: int) -> None:
        if _is_ending(trainer):
            self.counted_in_epoch = loop_state.metric_states(task)
        has_stepped = (batch_index + 1) % trainer.accumulate_grad_batches == 0
        if self.every_n_train_steps and has_stepped and trainer.global_step % self.every_n_train_steps == 0:
            self.is_due = True

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch, batch_index: int) -> None:
        if self.is_due and loop_state.is_between_steps(trainer, batch_index):  # only here the step before is logged
            self.save(trainer)

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.counted_in_epoch = loop_state.metric_states(task)  # a validation is repeated from its begin
        if self.is_due and not trainer.sanity_checking:
            self.save(trainer)

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if not _is_ending(trainer):  # else a longer training goes on with the counts of this epoch
            self.counted_in_epoch = None

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        if self.saved != _progress(trainer):  # only here the scores of the epoch before are on disk
            self.is_between_epochs = True
            self.save(trainer)
            self.is_between_epochs = False

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        self.has_ended = True
        self.is_between_epochs = not lightning_internals.ended_within_epoch(trainer)
        self.save(trainer)

    def on_save_checkpoint(self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]) -> None:
        lightning_internals.rewind_batch(checkpoint)
        if self.is_between_epochs:
            lightning_internals.rewind_epoch(checkpoint)
        elif self.has_ended:
            lightning_internals.reopen_epoch(checkpoint)
        elif trainer.validating:
            lightning_internals.rewind_validation(checkpoint)
        checkpoint["position"] = {
            "num_batches": 0 if self.is_between_epochs else lightning_internals.num_batches_completed(trainer),
            "num_ranks": trainer.world_size,
            "has_ended": self.has_ended,
            "planned": {"max_epochs": trainer.max_epochs, "max_steps": trainer.max_steps},
            "scheduled": self.scheduled,
        }
        checkpoint["counted"] = [] if self.is_between_epochs else loop_state.of_each_rank(self._counted(task))
        checkpoint["loggers"] = {str(logger.name): str(logger.version) for logger in trainer.loggers}

    def _counted(self, task: LightningModule) -> dict[str, Values]:
        return self.counted_in_epoch or loop_state.metric_states(task)

    def on_load_checkpoint(self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]) -> None:
        if "position" in checkpoint:
            self.loaded = {"position": checkpoint["position"], "metric_states": checkpoint["counted"]}
            self.scheduled = checkpoint["position"].get("scheduled", {})

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.saved = _progress(trainer)
        if lightning_internals.restarted_within_epoch(trainer) and self.loaded:
            loop_state.restore(trainer, task, **self.loaded)
        self.loaded = {}
        if trainer.global_step == 0:
            self.scheduled = _plan(trainer)


def _plan(trainer: Trainer) -> Values:
    """The end that a schedule of the learning rate leads to, and that no run that goes on may outlive; -1 for none."""
    steps = trainer.estimated_stepping_batches
    is_finite = math.isfinite(steps)
    return {"max_epochs": trainer.max_epochs, "max_steps": trainer.max_steps, "steps": int(steps) if is_finite else -1}


def _is_ending(trainer: Trainer) -> bool:
    return trainer.should_stop or trainer.global_step == trainer.max_steps


def _progress(trainer: Trainer) -> tuple[int, int]:
    return trainer.current_epoch, trainer.global_step
