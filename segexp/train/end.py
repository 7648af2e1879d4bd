"""Why a training ended, and how much of its schedule it had trained by then."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, Timer
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason

from segexp.callbacks.last import KeepLast
from segexp.data.module import DataModule
from segexp.data.sampler import TrainingSampler
from segexp.display.learning_curves import is_validated_each_epoch
from segexp.train.resume import STOPPED_EARLY
from segexp.types import Values


class End(NamedTuple):
    """reason: in words. share: optimizer steps trained, of those that were planned, in [0, 1]; None without a plan."""

    reason: str
    share: float | None


@runtime_checkable
class SaysWhy(Protocol):
    """A callback that ends trainings before their time. ended_because: None while it did not."""

    ended_because: str | None


def end_of(trainer: Trainer, history: Sequence[Values]) -> End:
    """How the training of this trainer ended, which has just returned. history: see `RunFolder.history`."""
    scheduled = [each.scheduled.get("steps", -1) for each in trainer.callbacks if isinstance(each, KeepLast)]  # type: ignore[attr-defined]
    planned = max([trainer.estimated_stepping_batches, *scheduled])  # more, if the run was shortened since it began
    is_planned = math.isfinite(planned) and planned > 0
    return End(_reason(trainer, history), round(trainer.global_step / planned, 4) if is_planned else None)


def planned_steps(trainer: Trainer, data: DataModule) -> float:
    """Optimizer steps of a whole training before it begins, when Lightning cannot tell yet; infinite without end."""
    num_samples = len(data.pairs(data.train_split))
    num_batches = TrainingSampler(num_samples, data.batch_size, data.seed, 0, trainer.world_size).num_batches
    limit = trainer.limit_train_batches
    limited = min(num_batches, limit) if isinstance(limit, int) else int(num_batches * limit)
    in_epochs = math.ceil(limited / trainer.accumulate_grad_batches) * _limit(trainer.max_epochs)
    return min(_limit(trainer.max_steps), in_epochs)


def _limit(end: int | None) -> float:
    return math.inf if end is None or end == -1 else end


def when(row: Values, validated: Sequence[Values]) -> str:
    """`epoch 3`, or `step 1200` where validations and epochs are not the same. validated: the rows with scores."""
    return f"epoch {row['epoch'] + 1}" if is_validated_each_epoch(validated) else f"step {row['step'] + 1}"


def _reason(trainer: Trainer, history: Sequence[Values]) -> str:
    if -1 < trainer.max_steps <= trainer.global_step:
        return f"reached trainer.max_steps={trainer.max_steps}"
    if not trainer.should_stop:
        return f"reached trainer.max_epochs={trainer.max_epochs}"
    reasons = (_reason_of(callback, history) for callback in trainer.callbacks)  # type: ignore[attr-defined]
    return next(filter(None, reasons), f"{STOPPED_EARLY} by a callback")


def _reason_of(callback: Any, history: Sequence[Values]) -> str | None:
    match callback:
        case SaysWhy():
            return callback.ended_because
        case Timer() if (remaining := callback.time_remaining()) is not None and remaining <= 0:
            return "reached trainer.max_time"
        case EarlyStopping(stopping_reason=EarlyStoppingReason.PATIENCE_EXHAUSTED):
            return f"{STOPPED_EARLY}: {_without_progress(callback, history)}"
        case EarlyStopping(stopping_reason_message=str() as message):
            return f"{STOPPED_EARLY}: {message.removesuffix(' Signaling Trainer to stop.')}"
    return None


def _without_progress(callback: EarlyStopping, history: Sequence[Values]) -> str:
    """`val/miou has not improved for 6 epochs; best 0.07 after epoch 3`."""
    score, number = callback.monitor, callback.wait_count
    rows = [row for row in history if score in row]
    if not rows:
        return f"{score} has not improved for {number} validations"
    best = (max if callback.mode == "max" else min)(rows, key=lambda row: row[score])
    unit = "epoch" if is_validated_each_epoch(rows) else "validation"
    plural = "" if number == 1 else "s"
    return f"{score} has not improved for {number} {unit}{plural}; best {best[score]:.4f} after {when(best, rows)}"
