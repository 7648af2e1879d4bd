"""Dropout as a function of (seed, step, rank)."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from segexp.system.seed import seed_of


class SeedEveryStep(Callback):
    """Seeds torch before every training step, so that a resumed run draws what it would have drawn undisturbed.

    seed: of the run. Ranks draw differently. Order of samples and augmentation have seeds of their own.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch, batch_index: int) -> None:
        number = seed_of(self.seed, trainer.current_epoch, batch_index, trainer.global_rank)
        if task.device.type == "cpu":
            torch.default_generator.manual_seed(number)  # torch's way notes for GPUs who asked: 0.3 ms
        else:
            torch.manual_seed(number)
