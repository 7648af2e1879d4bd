"""Stop a training whose loss is NaN or infinite, before its weights are saved."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class StopWhenNotFinite(Callback):
    """Raises FloatingPointError within log_every_n_steps steps, and always before a checkpoint is written.

    The losses are summed on the device. The host looks at the sum only where it reads metrics anyway, so no step waits.
    """

    def __init__(self) -> None:
        self.sum: Tensor | None = None

    def on_train_batch_end(self, trainer: Trainer, task: LightningModule, outputs, batch, batch_index: int) -> None:
        loss = outputs["loss"]
        self.sum = loss.detach() if self.sum is None else self.sum + loss.detach()
        if (batch_index + 1) % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._check(trainer)

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._check(trainer)

    def on_save_checkpoint(self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._check(trainer)

    def _check(self, trainer: Trainer) -> None:
        if self.sum is None or torch.isfinite(self.sum):
            return
        raise FloatingPointError(
            f"the loss is not finite (epoch {trainer.current_epoch}, step {trainer.global_step}); the checkpoints are "
            "from before; try a lower optimizer.lr, trainer.gradient_clip_val=1, or precision=float32"
        )
