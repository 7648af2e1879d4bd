"""Learning rate schedules: optimizer -> scheduler that is stepped after every optimizer step.

A schedule that lowers the learning rate towards the end of the training takes the number of its steps, and says so in
its YAML: `total_steps: ${fact:total_steps}`. Each docstring gives the learning rate of a step; lr is that of the
optimizer.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    PolynomialLR,
    SequentialLR,
)

NO_END = sys.maxsize
"""The number of steps of a training that something else ends."""


def constant(optimizer: Optimizer) -> LRScheduler:
    """The lr of the optimizer throughout."""
    return ConstantLR(optimizer, factor=1.0)


def poly(optimizer: Optimizer, total_steps: int, power: float) -> LRScheduler:
    """lr (1 - step / total_steps)^power (Chen et al. 2018, arXiv:1606.00915). Raises ValueError for a power below 0."""
    if power < 0:
        raise ValueError(f"scheduler.power is {power}; allowed: a number of at least 0")
    return PolynomialLR(optimizer, total_iters=total_steps, power=power)


def cosine(optimizer: Optimizer, total_steps: int, final_lr: float) -> LRScheduler:
    """Half a cosine from lr to final_lr, without restarts (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=final_lr)


def inverse_time(optimizer: Optimizer, decay: float) -> LRScheduler:
    """lr / (1 + decay * step), as torch7's optim computes it; GridNet was trained with decay 5e-7."""
    return LambdaLR(optimizer, lambda step: 1 / (1 + decay * step))


class Plateau(LRScheduler):
    """lr factor^k after a score has failed to improve k times, each time in more than `patience` validations in a row.

    monitor: name of the score, as it is logged. mode: max if a higher score is better, else min. factor: in (0, 1).
    Different from torch's ReduceLROnPlateau, which has to be given the score with every step, what Lightning leaves out
    where a training goes on within an epoch: here a step keeps the rate, and `observe` is told of each validation.
    Raises ValueError for values out of range.
    """

    def __init__(self, optimizer: Optimizer, monitor: str, mode: str, factor: float, patience: int) -> None:
        if mode not in ("max", "min"):
            raise ValueError(f"scheduler.mode is {mode!r}; allowed: max, min")
        if not 0 < factor < 1:
            raise ValueError(f"scheduler.factor is {factor}; allowed: a number between 0 and 1")
        if type(patience) is not int or patience < 0:
            raise ValueError(f"scheduler.patience is {patience!r}; allowed: a whole number of at least 0")
        self.monitor = monitor
        self.sign = 1 if mode == "max" else -1
        self.factor = factor
        self.patience = patience
        self.best = -math.inf
        self.num_waited = 0
        self.num_reductions = 0
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        return [rate * self.factor**self.num_reductions for rate in self.base_lrs]

    def observe(self, scores: Mapping[str, Any]) -> None:
        """Take note of a validation; a lower rate is in force after the next step. scores: all that were logged.

        Raises ValueError if the monitored score is not among them. One that is NaN is no improvement.
        """
        if self.monitor not in scores:
            known = ", ".join(name for name in scores if name.startswith("val/"))
            raise ValueError(f"scheduler.monitor is {self.monitor!r}, which is not logged; logged scores: {known}")
        score = self.sign * float(scores[self.monitor])
        if score > self.best:
            self.best, self.num_waited = score, 0
            return
        self.num_waited += 1
        if self.num_waited > self.patience:
            self.num_waited = 0
            self.num_reductions += 1


def observe_scores(scheduler: LRScheduler, scores: Mapping[str, Any]) -> None:
    """Tell a schedule, or the one behind a warm-up, of the scores of a validation if it depends on them."""
    for each in getattr(scheduler, "_schedulers", [scheduler]):
        if isinstance(each, Plateau):
            each.observe(scores)


def with_warmup(
    optimizer: Optimizer,
    schedule: Callable[[Optimizer, int], LRScheduler],
    warmup: int | float,
    total_steps: int,
) -> LRScheduler:
    """lr (step + 1) / n during the first n steps, then the schedule over the remaining ones (Goyal et al. 2017).

    schedule: (optimizer, number of its steps) -> scheduler. warmup: n, or the fraction of total_steps that is n.
    total_steps: of the training; NO_END where something else ends it.
    Raises ValueError if the warm-up is not shorter than the training. Source: arXiv:1706.02677, section 2.2.
    """
    num_steps = warmup if isinstance(warmup, int) else round(warmup * total_steps)
    if num_steps >= total_steps:
        raise ValueError(
            f"warmup is {warmup}, and the training has {total_steps} optimizer steps; allowed: fewer steps than that, "
            "or a fraction below 1"
        )
    if num_steps < 2:  # the first of n steps has the rate lr / n
        return schedule(optimizer, total_steps)
    following = schedule(optimizer, total_steps if total_steps == NO_END else total_steps - num_steps)
    rise = LinearLR(optimizer, 1 / num_steps, total_iters=num_steps - 1)
    return SequentialLR(optimizer, [rise, following], [num_steps])
