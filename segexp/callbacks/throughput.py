"""Measure how many samples a second a training processes."""

import time

from pytorch_lightning import Callback, LightningModule, Trainer


class Throughput(Callback):
    """Logs train/samples_per_second of each epoch, all ranks together: reading, network and metrics, no validation."""

    changes_weights = False

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.seconds = 0.0
        self.num_samples = 0
        self.resumed = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, task: LightningModule, outputs, batch, batch_index: int) -> None:
        self.num_samples += len(batch.target)

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        if not trainer.sanity_checking:
            self.seconds += time.perf_counter() - self.resumed

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        self.resumed = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, task: LightningModule) -> None:
        self.seconds += time.perf_counter() - self.resumed
        if self.num_samples:  # none where a run went on from the end of an epoch
            task.log("train/samples_per_second", self.num_samples * trainer.world_size / self.seconds)
