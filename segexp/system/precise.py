"""Modules that keep their precision, whatever that of the training is."""

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn


class Precise(nn.Module):
    """A module that moves to devices, but keeps its floating type under `.half()`, `.to(dtype)` and the like.

    Lightning's trainer.precision=bf16-true casts all modules of a training. With 8 bits, what sums up or averages over
    many batches would soon not move any more.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], *options: Any) -> Self:  # undocumented; torchmetrics has its own
        def move(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        return super()._apply(move, *options)
