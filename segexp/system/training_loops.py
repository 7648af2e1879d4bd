"""Lightning's loops of a training, with an end that is validated, and exact when it is counted in steps.

They override what Lightning does not document, as `segexp.system.lightning_internals` does; of the same versions.
"""

from pytorch_lightning import Trainer
from pytorch_lightning.loops import _EvaluationLoop
from pytorch_lightning.loops.fetchers import _DataFetcher
from pytorch_lightning.loops.fit_loop import _FitLoop
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.trainer.states import RunningStage, TrainerFn
from torch.nn.parallel import DistributedDataParallel


def use_loops_with_validated_end(trainer: Trainer) -> None:
    """Replace the loops of a trainer that has not begun."""
    fit_loop = FitLoop(trainer, trainer.min_epochs, trainer.max_epochs)
    fit_loop.epoch_loop = EpochLoop(trainer, trainer.min_steps, trainer.max_steps)
    fit_loop.epoch_loop.val_loop = ValidationLoop(
        trainer, TrainerFn.FITTING, RunningStage.VALIDATING, verbose=False, inference_mode=False
    )
    trainer.fit_loop = fit_loop


class EpochLoop(_TrainingEpochLoop):
    """Validates the last weights of a training, wherever its interval of validations and its epochs end.

    A `val_check_interval` that goes over epochs counts optimizer steps, as `max_steps` does. Lightning counts batches,
    of which a step has several where gradients are accumulated.
    """

    def _should_check_val_fx(self, data_fetcher: _DataFetcher) -> bool:
        trainer = self.trainer
        if not trainer.enable_validation:
            return False
        if self._is_at_end():
            return True
        interval = interval_in_steps(trainer)
        if interval is None:
            return super()._should_check_val_fx(data_fetcher)
        return not self._should_accumulate() and self.global_step % interval == 0

    def _is_at_end(self) -> bool:
        fit_loop = self.trainer.fit_loop
        if self.global_step == self.max_steps or (self.trainer.should_stop and fit_loop._can_stop_early):
            return True
        is_last_epoch = self.trainer.current_epoch + 1 == fit_loop.max_epochs
        # not batch_progress.is_last_batch: a checkpoint from the start of the last batch has it already
        return is_last_epoch and self.batch_progress.current.ready == self.trainer.num_training_batches


class ValidationLoop(_EvaluationLoop):
    """Lets a rank without an image of the split take part in its validation, where all ranks sum their counts."""

    @property
    def skip(self) -> bool:
        return not self._max_batches

    def on_run_start(self) -> None:
        super().on_run_start()
        model = self.trainer.strategy.model
        if isinstance(model, DistributedDataParallel) and not any(self._max_batches):
            _take_buffers_of_first_rank(model)


def _take_buffers_of_first_rank(model: DistributedDataParallel) -> None:
    """Do what the ranks that have an image do before their first one, since all ranks must."""
    if model._check_sync_bufs_pre_fwd():
        model._sync_buffers()
    model.require_forward_param_sync = False


class FitLoop(_FitLoop):
    """Goes on from a checkpoint in the same way whether the end is counted in steps or in epochs.

    Lightning skips the epoch that follows a checkpoint between two epochs if there is a `max_steps`, and the validation
    that a checkpoint after the last step was written in.
    """

    def _iteration_based_training(self) -> bool:
        return False

    @property
    def done(self) -> bool:
        epochs = self.epoch_progress.current
        is_within_epoch = epochs.started > epochs.processed  # type: ignore[attr-defined]
        return not is_within_epoch and super().done


def interval_in_steps(trainer: Trainer) -> int | None:
    """The optimizer steps from validation to validation; None where each epoch counts for itself."""
    interval = trainer.val_check_interval
    return interval if isinstance(interval, int) and trainer.check_val_every_n_epoch is None else None


def has_just_validated(trainer: Trainer, batch_index: int) -> bool:
    """Whether a validation ended before this training batch, which has begun."""
    steps = interval_in_steps(trainer)
    if steps is not None:
        return trainer.global_step > 0 and trainer.global_step % steps == 0
    batches = trainer.val_check_batch
    return isinstance(batches, int) and batch_index % batches == 0
