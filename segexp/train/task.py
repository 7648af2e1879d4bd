"""The LightningModule that joins network, loss, optimizer and metrics; it knows none of their concrete classes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from segexp.metric import scores
from segexp.metric.confusion import prediction, resize_logits
from segexp.metric.confusion_metric import ConfusionMetric
from segexp.metric.weighted_mean import WeightedMean
from segexp.optimizer import learning_rates
from segexp.scheduler import NO_END, observe_scores
from segexp.system.lightning_internals import leave_unscaling_to_clipping
from segexp.train.changing_loss import parts_that_follow, set_epoch, warn_of_unreached_change
from segexp.types import Image, Logits, Sample, Target, TrainingLogits

OptimizerFactory = Callable[[nn.Module], Optimizer]
SchedulerFactory = Callable[[Optimizer, int], LRScheduler]


class SegmentationTask(LightningModule):
    """Trains a model on a loss and scores it by confusion matrices.

    model: uint8 image [B, 3, H, W] -> logits [B, C, H, W]; it normalises the image itself.
    loss: (what the model returns in training mode, target) -> scalar; also (logits, target), for validation.
    make_optimizer: module -> optimizer of its parameters.
    make_scheduler: (optimizer, number of its steps) -> learning rate scheduler.
    class_names: the names of the C channels. categories: the coarser class of each channel, None where it has none; if
    they are fewer than the classes, they are scored too.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        make_optimizer: OptimizerFactory,
        make_scheduler: SchedulerFactory,
        class_names: Sequence[str],
        categories: Sequence[str | None],
    ) -> None:
        super().__init__()
        self.model = model  # checkpoints call its weights model.*, see `segexp.run.checkpoint`
        self.loss = loss
        self.make_optimizer = make_optimizer
        self.make_scheduler = make_scheduler
        self.class_names = class_names
        self.categories = categories
        self.changing_parts = parts_that_follow(loss)  # once, as every step tells them
        self.total_steps = NO_END  # known once the training begins
        self.scheduled_steps = -1  # of a run that goes on: the total when it began, by which the loss still changes
        self.train_confusion = ConfusionMetric(len(class_names))
        self.val_confusion = ConfusionMetric(len(class_names))
        self.confusions: dict[str, scores.Confusion] = {}  # split -> confusion matrix of its last epoch
        self.train_loss = WeightedMean()
        self.val_loss = WeightedMean()

    def forward(self, image: Image) -> Logits | TrainingLogits:
        return self.model(image)

    def training_step(self, batch: Sample, batch_index: int) -> Tensor:
        output = self(batch.image)
        loss = self.training_loss(output, batch)
        self.count_step(loss, output, batch.target)
        return loss

    def training_loss(self, output: Logits | TrainingLogits, batch: Sample) -> Tensor:
        """What a step minimises, for a task of one's own to change. output: of the model in training mode."""
        return self.loss(output, batch.target)

    def count_step(self, loss: Tensor, output: Logits | TrainingLogits, target: Target) -> None:
        """Count a training step for the scores of its epoch, and log its loss. output: of the model."""
        logits = output.logits if isinstance(output, TrainingLogits) else output
        self.train_loss.update(loss.detach())
        self.train_confusion.update(prediction(logits.detach()), target)
        self.log("train/loss_step", loss.detach(), on_epoch=False)

    def validation_step(self, batch: Sample, batch_index: int) -> None:
        logits = resize_logits(self(batch.image), batch.target.shape[-2:])  # validation targets keep their native size
        self.val_loss.update(self.loss(logits, batch.target), weight=len(batch.target))
        self.val_confusion.update(prediction(logits), batch.target)

    def on_train_start(self) -> None:
        if self.total_steps != NO_END and self.trainer.is_global_zero:
            num_batches = self.total_steps * self.trainer.accumulate_grad_batches
            num_epochs = math.ceil(num_batches / max(1, self.trainer.num_training_batches))
            warn_of_unreached_change(self.changing_parts, max(1, num_epochs))

    def on_train_epoch_start(self) -> None:
        set_epoch(self.loss, self.current_epoch)

    def on_train_batch_start(self, batch: Sample, batch_index: int) -> None:
        self._follow_training()

    def on_validation_epoch_start(self) -> None:
        self._follow_training()  # the same in a run that goes on from within this validation

    def on_train_epoch_end(self) -> None:
        rates = learning_rates(self.optimizers())  # type: ignore[arg-type]
        self.log_dict({f"train/{name}": rate for name, rate in rates.items()})
        self._log_scores("train", self.train_loss, self.train_confusion)

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val", self.val_loss, self.val_confusion)

    def on_validation_end(self) -> None:
        if not self.trainer.sanity_checking:
            observe_scores(self.lr_schedulers(), self.trainer.callback_metrics)  # type: ignore[arg-type]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = self.make_optimizer(self)
        if self.trainer.gradient_clip_val:
            leave_unscaling_to_clipping(optimizer)
        num_steps = self.trainer.estimated_stepping_batches
        self.total_steps = int(num_steps) if math.isfinite(num_steps) else NO_END
        scheduler = self.make_scheduler(optimizer, self.total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.scheduled_steps = checkpoint.get("position", {}).get("scheduled", {}).get("steps", -1)

    def _follow_training(self) -> None:
        total_steps = max(self.total_steps, self.scheduled_steps)  # which a resume may shorten, but never prolong
        fraction = None if total_steps == NO_END else self.global_step / total_steps
        for part in self.changing_parts:
            part.set_progress(self.current_epoch, fraction)

    def _log_scores(self, split: str, loss: WeightedMean, confusion: ConfusionMetric) -> None:
        counts = confusion.compute().cpu().numpy()  # summed over ranks; the one time an epoch that the host waits
        self.confusions[split] = counts
        named = scores.all_scores(counts, self.class_names, self.categories)
        self.log_dict({f"{split}/{name}": value for name, value in named.items() if name != "miou"})
        shown = split == "val"  # the bar of an epoch would show the training scores of the one before
        self.log_dict({f"{split}/loss": loss.compute(), f"{split}/miou": named["miou"]}, prog_bar=shown)
        loss.reset()
        confusion.reset()
