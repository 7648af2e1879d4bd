"""Every use of what Lightning, torchmetrics and torch do not document, but for `segexp.system.training_loops`.

Read from pytorch-lightning 2.6.6, torchmetrics 1.9.0 and torch 2.13.0; pyproject.toml ends the range of Lightning below
2.7. Before that range is widened, read again what each function relies on.
"""

import signal
from typing import TYPE_CHECKING

from segexp.types import Values

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.callbacks import ModelCheckpoint
    from pytorch_lightning.loggers import WandbLogger
    from torch.optim import Optimizer
    from torchmetrics import Metric


def disable_signal_handlers(trainer: "Trainer") -> None:
    """Leave SIGTERM and SIGUSR1 to the caller.

    Lightning's handlers would talk to the other ranks wherever the signal lands, and its training loop would broadcast
    in every step whether one has come.
    """
    trainer._signal_connector.register_signal_handlers = _do_nothing  # type: ignore[method-assign]
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _do_nothing  # type: ignore[method-assign]


def ignore_files_in_folder(checkpoint: "ModelCheckpoint") -> None:
    """Let Lightning not warn of a folder for checkpoints that holds files, as that of every resumed run does.

    To look, it would load the libraries of all object storages that are installed, which takes 0.4 s.
    """
    checkpoint._ModelCheckpoint__warn_if_dir_not_empty = _do_nothing  # type: ignore[attr-defined]


def _do_nothing(*_: object) -> None: ...


def kill_other_ranks(trainer: "Trainer") -> None:
    """Kill the ranks that this process started; those of srun and torchrun belong to these."""
    launcher = trainer.strategy.launcher
    if launcher is not None:
        launcher.kill(signal.SIGKILL)


def set_precision(trainer: "Trainer", word: str) -> None:
    """Give a trainer that has not begun another precision. word: such as bf16-mixed."""
    connector = trainer._accelerator_connector
    connector._precision_flag = word  # type: ignore[assignment]
    trainer.strategy.precision_plugin = connector._check_and_init_precision()


def count_epochs_from_one(trainer: "Trainer") -> None:
    """Let the progress bar say epoch 1/3 in the first of three epochs, where Lightning says Epoch 0/2."""
    from pytorch_lightning.callbacks import RichProgressBar

    def describe(epoch: int) -> str:
        end = f"/{trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
        return f"epoch {epoch + 1}{end}"

    if isinstance(trainer.progress_bar_callback, RichProgressBar):
        trainer.progress_bar_callback._get_train_description = describe  # type: ignore[method-assign,assignment]


def num_batches_completed(trainer: "Trainer") -> int:
    """Training batches of this epoch that this rank has completed."""
    return trainer.fit_loop.epoch_loop.batch_progress.current.completed


def restarted_within_epoch(trainer: "Trainer") -> bool:
    """Whether the training goes on from a checkpoint in the middle of an epoch."""
    return trainer.fit_loop.restarted_mid_epoch


def ended_within_epoch(trainer: "Trainer") -> bool:
    """Whether a training that has ended left batches of its last epoch untrained."""
    return not trainer.fit_loop.epoch_loop._num_ready_batches_reached()


def num_epochs_processed(checkpoint: Values) -> int:
    """Epochs that the training behind a checkpoint has trained. Raises LookupError or TypeError if it does not say."""
    return int(checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])


def rewind_batch(checkpoint: Values) -> None:
    """Let a checkpoint that was saved at the start of a batch say that nothing of this batch has begun."""
    _rewind(checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"])


def rewind_epoch(checkpoint: Values) -> None:
    """Let a checkpoint that was saved at the start of an epoch say that nothing of this epoch has begun."""
    _rewind(checkpoint["loops"]["fit_loop"]["epoch_progress"])


def reopen_epoch(checkpoint: Values) -> None:
    """Let a checkpoint that was saved after a training ended within an epoch say that this epoch goes on."""
    progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
    for counts in (progress["total"], progress["current"]):
        counts.update(dict.fromkeys(("processed", "completed"), counts["started"] - 1))


def _rewind(progress: Values) -> None:
    for counts in (progress["total"], progress["current"]):
        counts.update(dict.fromkeys(counts, counts["completed"]))


def rewind_validation(checkpoint: Values) -> None:
    """Let a checkpoint that was saved within a validation say that its first batch is about to come."""
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    for name in ("total", "current"):
        progress[name].update(ready=1, started=1, processed=0, completed=0)
    progress["is_last_batch"] = False


def set_num_updates(metric: "Metric", num_updates: int) -> None:
    """Let a metric whose state was restored know how often it was updated, or `compute` would warn."""
    metric._update_count = num_updates


def leave_unscaling_to_clipping(optimizer: "Optimizer") -> None:
    """Tell GradScaler, and Lightning, that this optimizer does not scale gradients back itself.

    A fused optimizer would do so only after the gradients have been clipped.
    """
    optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]


def wandb_arguments(logger: "WandbLogger") -> Values:
    """The arguments that Lightning's logger will give to wandb.init; changing them changes the call."""
    return logger._wandb_init
