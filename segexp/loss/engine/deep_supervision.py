"""The loss of a network that has auxiliary logits in training."""

import copy

from torch import Tensor, nn

from segexp.types import Logits, Scalar, Target, TrainingLogits

DEFAULT_WEIGHT = 0.4
"""Weight of the auxiliary loss in PSPNet, the best of those that its authors tried."""


class DeepSupervision(nn.Module):
    """The loss of the main logits plus weight times the loss of each auxiliary logits.

    main: any loss. num_auxiliary: number of auxiliary logits; each is given to a copy of the main loss, because a loss
    may keep counts of the steps before (`momentum`), and those of different logits must not mix.
    weight: of each auxiliary loss, at least 0; None for DEFAULT_WEIGHT.
    Called with logits alone, as in validation, it is the main loss.
    Source: Lee et al. 2015, arXiv:1409.5185; Zhao et al. 2017, arXiv:1612.01105, section 3.3.
    """

    def __init__(self, main: nn.Module, num_auxiliary: int, weight: float | None) -> None:
        super().__init__()
        self.main = main
        self.auxiliary = nn.ModuleList(copy.deepcopy(main) for _ in range(num_auxiliary))
        self.weight = DEFAULT_WEIGHT if weight is None else weight

    def forward(self, output: Logits | TrainingLogits, target: Target) -> Scalar:
        if isinstance(output, Tensor):
            return self.main(output, target)
        total = self.main(output.logits, target)
        for loss, logits in zip(self.auxiliary, output.auxiliary, strict=True):
            total = total + self.weight * loss(logits, target)
        return total
