"""Losses that change during a training."""

import logging
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

log = logging.getLogger(__name__)


@runtime_checkable
class FollowsEpochs(Protocol):
    """A loss, or a part of one, that depends on the epoch."""

    def set_epoch(self, epoch: int) -> None: ...


@runtime_checkable
class FollowsTraining(Protocol):
    """A loss, or a part of one, that changes during the training.

    share: how far it has changed, from 0 to 1.
    """

    share: Tensor

    def set_progress(self, epoch: int, fraction: float | None) -> None:
        """Be as at this epoch, from 0, and this fraction of all optimizer steps, None in a training without an end."""
        ...


def set_epoch(loss: nn.Module, epoch: int) -> None:
    for part in loss.modules():
        if isinstance(part, FollowsEpochs):
            part.set_epoch(epoch)


def parts_that_follow(loss: nn.Module) -> list[FollowsTraining]:
    """The loss, and parts of it, that change during the training."""
    return [part for part in loss.modules() if isinstance(part, FollowsTraining)]


def warn_of_unreached_change(parts: Sequence[FollowsTraining], num_epochs: int) -> None:
    """Warn if a training of so many epochs ends before a part has changed, or begins after it has.

    The parts are at their beginning afterwards.
    """
    for part in parts:
        part.set_progress(num_epochs - 1, 1.0)
        at_end = float(part.share)
        part.set_progress(0, 0.0)
        at_start = float(part.share)
        if at_end < 0.5 or at_start > 0.5:
            log.warning(
                "the loss %s is meant to change during the training, but has changed by %.1f %% at the start and by "
                "%.1f %% at the end, after %d epochs; set the change to another time (keys of loss=), or train longer",
                type(part).__name__,
                100 * at_start,
                100 * at_end,
                num_epochs,
            )
