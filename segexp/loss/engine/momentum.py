"""Counts averaged over batches, so that small batches optimise the score of the data set."""

from collections.abc import Sequence

import torch
from torch import Tensor

from segexp.system.precise import Precise


class RunningAverage(Precise):
    """Exponential average of counts over the training steps, without a bias to its start; a buffer of the checkpoint.

    momentum: m averages over about 1 / (1 - m) batches; 0 keeps no buffer. Raises ValueError outside [0, 1).
    In evaluation counts are returned unchanged.
    """

    total: Tensor
    num_batches: Tensor

    def __init__(self, shape: Sequence[int], momentum: float) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(f"loss: momentum is {momentum}; allowed: 0 <= momentum < 1; set loss.momentum")
        self.momentum = momentum
        if momentum:
            self.register_buffer("total", torch.zeros(*shape, dtype=torch.float32))
            self.register_buffer("num_batches", torch.zeros((), dtype=torch.float32))

    @torch.no_grad()
    def forward(self, counts: Tensor) -> Tensor:
        """Return the average over the steps so far, this one included; counts: of this step, over all ranks."""
        if not self.momentum or not self.training:
            return counts
        self.total.mul_(self.momentum).add_(counts)
        self.num_batches.mul_(self.momentum).add_(1)
        return self.total / self.num_batches
