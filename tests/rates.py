"""The learning rates that a schedule gives to the steps of a training."""

import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler


def optimizer_at(rate: float) -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates_of(optimizer: Optimizer, scheduler: LRScheduler, num_steps: int) -> list[float]:
    """The rate of each step, and that after the last one."""
    seen = [optimizer.param_groups[0]["lr"]]
    for _ in range(num_steps):
        optimizer.step()
        scheduler.step()
        seen.append(optimizer.param_groups[0]["lr"])
    return seen
