"""Stop between two steps when a signal asks for it, with everything saved, on all ranks together."""

import signal
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import distributed

from segexp.callbacks.last import KeepLast
from segexp.callbacks.position import is_between_steps
from segexp.system import signals


class StopOnSignal(Callback):
    """SIGTERM and SIGUSR1 end the training after the step: it saves, then raises `segexp.system.signals.Stopped`.

    Handlers only take a note. The ranks compare notes by a collective on the host which each step starts and the next
    one reads, so that the device never waits. In validation a single rank stops at once, several stop after it.
    """

    def __init__(self) -> None:
        self.group: distributed.ProcessGroup | None = None
        self.question: tuple[torch.Tensor, distributed.Work] | None = None

    def on_fit_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.group = distributed.new_group(backend="gloo") if trainer.world_size > 1 else None
        # Lightning's handlers would talk to the other ranks wherever the signal lands, and in every step
        trainer._signal_connector.register_signal_handlers = _nothing  # type: ignore[method-assign]
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _nothing  # type: ignore[method-assign]

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        signals.listen_between_steps()

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        number = self._answer()
        if number:
            for callback in _keeping(trainer):
                callback.on_train_epoch_start(trainer, task)
            raise signals.Stopped(signal.Signals(number))
        self._ask(number)

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch, batch_index: int) -> None:
        number = self._answer()
        if number and is_between_steps(trainer, batch_index):
            _stop(trainer, number)
        self._ask(number)

    def on_validation_batch_end(self, trainer: Trainer, task: LightningModule, *batch: Any, **named: Any) -> None:  # type: ignore[override]
        if self.group is None and signals.asked() and not trainer.sanity_checking:
            _stop(trainer, signals.asked() or 0)

    def on_train_epoch_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._ask(self._answer())

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._answer()

    def _ask(self, known: int) -> None:
        if self.group is not None:
            note = torch.tensor([max(known, signals.asked() or 0)])
            work = distributed.all_reduce(note, distributed.ReduceOp.MAX, self.group, async_op=True)
            self.question = note, work

    def _answer(self) -> int:
        """The signal that any rank had noted when this was last asked; 0 for none."""
        if self.group is None:
            return signals.asked() or 0
        if self.question is None:
            return 0
        note, work = self.question
        self.question = None
        work.wait()
        return int(note)


def _stop(trainer: Trainer, number: int) -> None:
    for callback in _keeping(trainer):
        callback.save(trainer)
    raise signals.Stopped(signal.Signals(number))


def _keeping(trainer: Trainer) -> list[KeepLast]:
    return [callback for callback in trainer.callbacks if isinstance(callback, KeepLast)]  # type: ignore[attr-defined]


def _nothing() -> None: ...
