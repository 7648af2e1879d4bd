"""The mean of a number over batches, on all ranks. Apart from counting: torchmetrics loads matplotlib."""

import torch
from torch import Tensor
from torchmetrics import Metric

from segexp.system.precise import Precise
from segexp.types import Scalar


class WeightedMean(Precise, Metric):
    """Mean of the numbers that it was updated with on all ranks, each as often as its weight says; NaN without any.

    It is float32 in trainings of any precision, and never waits for the device. torchmetrics' MeanMetric becomes
    bfloat16 with precision=bf16-true, and with nan_strategy="disable", without which it waits for the device in every
    update, it counts every number once, whatever its weight (torchmetrics 1.9.0).
    """

    full_state_update = False
    mean_value: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("mean_value", "weight"):  # named as MeanMetric's are in checkpoints
            self.add_state(name, torch.zeros((), dtype=torch.float32), dist_reduce_fx="sum")

    def update(self, value: Scalar, weight: float = 1.0) -> None:
        self.mean_value += weight * value
        self.weight += weight

    def compute(self) -> Scalar:
        return self.mean_value / self.weight
