"""Which classes a loss averages over, how much each weighs, and over which images."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from segexp.loss.engine.reduction import sum_over_ranks
from segexp.system.precise import Precise

ByClass = Float[Tensor, "group num_classes"]
Classes = str | Sequence[int]


class ClassAverage(Precise):
    """The weight of each class of each group in the mean; a group is one image if per_image, else the global batch.

    The arguments are described in `AveragingOptions`. Groups without a valid pixel are left out.
    Raises ValueError for unknown classes and a wrong number of weights.
    """

    weight: Tensor

    def __init__(
        self, num_classes: int, classes: Classes, class_weights: Sequence[float] | None, per_image: bool
    ) -> None:
        super().__init__()
        if isinstance(classes, str) and classes not in ("present", "all"):
            raise ValueError(
                f"loss: classes is {classes!r}; allowed: present, all or a list of class indices; set loss.classes"
            )
        indices = list(range(num_classes)) if isinstance(classes, str) else list(classes)
        if not indices or not set(indices) <= set(range(num_classes)):
            raise ValueError(
                f"loss: classes is {indices}; allowed: class indices 0..{num_classes - 1}, at least one; "
                "set loss.classes"
            )
        weights = [1.0] * num_classes if class_weights is None else list(class_weights)
        if len(weights) != num_classes or min(weights) < 0:
            raise ValueError(
                f"loss: class_weights is {weights}; allowed: one weight >= 0 for each of {num_classes} classes; "
                "set loss.class_weights"
            )
        weight = torch.zeros(num_classes, dtype=torch.float32)
        weight[indices] = torch.tensor(weights, dtype=torch.float32)[indices]
        self.register_buffer("weight", weight, persistent=False)
        self.only_present = classes == "present"
        self.per_image = per_image

    def forward(self, num_true: ByClass) -> ByClass:
        """Return weights that sum to 1 over all groups of all ranks; num_true: true pixels per group and class."""
        valid = num_true.sum(1, keepdim=True) > 0
        weight = self.weight * (num_true > 0 if self.only_present else valid)
        weight = _divide(weight, weight.sum(1, keepdim=True))
        num_groups = valid.sum()
        return _divide(weight, sum_over_ranks(num_groups, self.training) if self.per_image else num_groups)


def _divide(weight: Tensor, total: Tensor) -> Tensor:
    return weight / torch.where(total > 0, total, 1)
