"""Make dropout a function of (seed, epoch, step, rank)."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from segexp.system.seed import seed_of


class SeedEveryStep(Callback):
    """Seeds torch before every training step, so that a resumed run draws the numbers of an undisturbed one.

    seed: the run's seed. Each rank draws other numbers. The order of samples and the augmentation do not depend on it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch, batch_index: int) -> None:
        number = seed_of(self.seed, trainer.current_epoch, batch_index, trainer.global_rank)
        if task.device.type == "cpu":
            torch.default_generator.manual_seed(number)  # torch.manual_seed takes 0.3 ms
        else:
            torch.manual_seed(number)
