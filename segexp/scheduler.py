"""Learning rate schedules: (optimizer, total_steps) -> scheduler that is stepped after every optimizer step.

Each docstring gives the learning rate of a step; lr is that of the optimizer.
"""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, LRScheduler, PolynomialLR


def constant(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    return ConstantLR(optimizer, factor=1.0)


def poly(optimizer: Optimizer, total_steps: int, power: float) -> LRScheduler:
    """lr (1 - step / total_steps)^power (Chen et al. 2018, arXiv:1606.00915)."""
    return PolynomialLR(optimizer, total_iters=total_steps, power=power)


def cosine(optimizer: Optimizer, total_steps: int, final_lr: float) -> LRScheduler:
    """Half a cosine from lr to final_lr, without restarts (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=final_lr)


def inverse_time(optimizer: Optimizer, total_steps: int, decay: float) -> LRScheduler:
    """lr / (1 + decay * step), as torch7's optim computes it; GridNet was trained with decay 5e-7."""
    return LambdaLR(optimizer, lambda step: 1 / (1 + decay * step))
