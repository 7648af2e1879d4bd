"""The confusion matrix of all images of an epoch, on all ranks. Apart from counting: torchmetrics loads matplotlib."""

import torch
from torch import Tensor
from torchmetrics import Metric

from segexp.metric.confusion import confusion_matrix
from segexp.types import Target


class ConfusionMetric(Metric):
    """Sum of the confusion matrices of all images on all ranks, int64 [num_classes, num_classes].

    torchmetrics' own validates and compares on the host: 48 ms an update where this one takes 2 (2x512x1024, 2 cores).
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.add_state("counts", torch.zeros(num_classes, num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: Target, target: Target) -> None:
        self.counts += confusion_matrix(predicted, target, self.num_classes)

    def compute(self) -> Tensor:
        return self.counts
