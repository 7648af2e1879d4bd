"""The loss of a network that has auxiliary or boundary logits in training."""

import copy

from torch import Tensor, nn

from segexp.loss.engine.boundary import boundary_loss, where_certain
from segexp.types import Logits, Scalar, Target, TrainingLogits

DEFAULT_WEIGHT = 0.4
"""Weight of the auxiliary loss in PSPNet, the best of those that its authors tried."""
DEFAULT_BOUNDARY_WEIGHT = 20.0
"""Weight of the boundary loss in PIDNet."""


class DeepSupervision(nn.Module):
    """The loss of the main logits plus weight times the loss of each auxiliary logits.

    For boundary logits it adds boundary_weight times their `boundary_loss`, and the loss of the main logits on those
    pixels only that the network takes to be at a boundary; neither if boundary_weight is 0.
    main: any loss. num_auxiliary: number of auxiliary heads, that of boundaries included; for each there is a copy of
    the main loss, because a loss may keep counts of the steps before (`momentum`), and those of different logits or
    pixels must not mix.
    weight, boundary_weight: at least 0; None for DEFAULT_WEIGHT and DEFAULT_BOUNDARY_WEIGHT.
    Called with logits alone, as in validation, it is the main loss.
    Source: Lee et al. 2015, arXiv:1409.5185; Zhao et al. 2017, arXiv:1612.01105, section 3.3; for boundaries Xu et al.
    2023, arXiv:2206.02066, section 3.4, whose loss this is if the main one is cross-entropy.
    """

    def __init__(
        self, main: nn.Module, num_auxiliary: int, weight: float | None, boundary_weight: float | None = None
    ) -> None:
        super().__init__()
        self.main = main
        self.auxiliary = nn.ModuleList(copy.deepcopy(main) for _ in range(num_auxiliary))
        self.weight = DEFAULT_WEIGHT if weight is None else weight
        self.boundary_weight = DEFAULT_BOUNDARY_WEIGHT if boundary_weight is None else boundary_weight

    def forward(self, output: Logits | TrainingLogits, target: Target) -> Scalar:
        if isinstance(output, Tensor):
            return self.main(output, target)
        total, copies = self.main(output.logits, target), list(self.auxiliary)
        if output.boundary is not None:
            total = total + self._at_boundaries(copies.pop(), output.logits, output.boundary, target)
        for loss, logits in zip(copies, output.auxiliary, strict=True):
            total = total + self.weight * loss(logits, target)
        return total

    def _at_boundaries(self, main: nn.Module, logits: Logits, boundary: Tensor, target: Target) -> Scalar:
        # Also with a weight of 0: DistributedDataParallel waits for the gradients of the boundary head.
        loss = self.boundary_weight * boundary_loss(boundary, target, self.training)
        return loss + main(logits, where_certain(target, boundary)) if self.boundary_weight else loss
