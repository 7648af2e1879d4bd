"""Stop a training between two steps when a signal asks for it: all ranks together, with everything saved."""

import signal
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import distributed

from segexp.callbacks.last import KeepLast
from segexp.callbacks.loop_state import is_between_steps
from segexp.system import signals, stuck
from segexp.system.lightning_internals import disable_signal_handlers


class StopOnSignal(Callback):
    """After SIGTERM or SIGUSR1 the training finishes its step, saves, and raises `segexp.system.signals.Stopped`.

    The signal handlers only note that a signal came. Each step starts a collective on the host in which the ranks agree
    whether one of them noted a signal, and the next step reads the answer, so that the device never waits. In a
    validation a single rank stops at once, several ranks stop after it.

    patience_seconds: a signal that comes so long after the last step, or the last batch of a validation, ends the
    process at once and saves nothing: the training may wait for ever, such as for a rank that does not answer.
    Raises ValueError for a patience that is not above 0.
    """

    changes_weights = False

    def __init__(self, patience_seconds: float = stuck.PATIENCE_SECONDS) -> None:
        if isinstance(patience_seconds, bool) or not isinstance(patience_seconds, int | float) or patience_seconds <= 0:
            raise ValueError(f"callbacks.stop.patience_seconds is {patience_seconds!r}; allowed: a number above 0")
        self.patience_seconds = patience_seconds
        self.group: distributed.ProcessGroup | None = None
        self.question: tuple[torch.Tensor, distributed.Work] | None = None

    def on_fit_start(self, trainer: Trainer, task: LightningModule) -> None:
        stuck.expect_step_within(self.patience_seconds)
        self.group = distributed.new_group(backend="gloo") if trainer.world_size > 1 else None
        disable_signal_handlers(trainer)

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        signals.listen_between_steps()

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        number = self._answer()
        if number:
            for callback in _checkpoint_callbacks(trainer):
                callback.on_train_epoch_start(trainer, task)
            raise signals.Stopped(signal.Signals(number))
        self._ask(number)

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch, batch_index: int) -> None:
        number = self._answer()
        if number and is_between_steps(trainer, batch_index):
            _stop(trainer, number)
        self._ask(number)

    def on_validation_batch_end(self, trainer: Trainer, task: LightningModule, *batch: Any, **named: Any) -> None:  # type: ignore[override]
        stuck.expect_step_within(self.patience_seconds)
        if self.group is None and signals.received() and not trainer.sanity_checking:
            _stop(trainer, signals.received() or 0)

    def on_train_epoch_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._ask(self._answer())

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._answer()

    def _ask(self, known: int) -> None:
        if self.group is not None:
            note = torch.tensor([max(known, signals.received() or 0)])
            work = distributed.all_reduce(note, distributed.ReduceOp.MAX, self.group, async_op=True)
            self.question = note, work

    def _answer(self) -> int:
        """The number of a signal that some rank had noted at the last `_ask`; 0 for none."""
        number = signals.received() or 0 if self.group is None else self._answer_of_ranks()
        stuck.expect_step_within(self.patience_seconds)
        return number

    def _answer_of_ranks(self) -> int:
        if self.question is None:
            return 0
        note, work = self.question
        self.question = None
        work.wait()
        return int(note)


def _stop(trainer: Trainer, number: int) -> None:
    for callback in _checkpoint_callbacks(trainer):
        callback.save(trainer)
    raise signals.Stopped(signal.Signals(number))


def _checkpoint_callbacks(trainer: Trainer) -> list[KeepLast]:
    return [callback for callback in trainer.callbacks if isinstance(callback, KeepLast)]  # type: ignore[attr-defined]
