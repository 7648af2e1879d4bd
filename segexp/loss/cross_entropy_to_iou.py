"""One loss that hands over to another during training: by default cross-entropy to soft IoU."""

import math

import torch
from torch import Tensor, nn

from segexp.system.precise import Precise
from segexp.types import Logits, Scalar, Target


class CrossEntropyToIoU(Precise):
    """(1 - s) first + s second, with s = sigmoid((epoch - middle) / width).

    first, second: any two losses. middle: epoch at which both weigh one half. width: in epochs, > 0; the hand-over
    takes about 10 of them. Call `set_epoch` as each epoch starts, also after a resume: a fresh loss is in epoch 0, and
    the epoch is not in its state_dict, as the trainer's checkpoint holds it.
    """

    share: Tensor

    def __init__(self, first: nn.Module, second: nn.Module, middle: float, width: float) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(
                f"cross_entropy_to_iou: width is {width}; allowed: a number of epochs above 0; set loss.width"
            )
        self.first, self.second, self.middle, self.width = first, second, middle, width
        self.register_buffer("share", torch.zeros((), dtype=torch.float32), persistent=False)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Weigh the two losses as in this epoch, which counts from 0."""
        self.share.fill_(1 / (1 + math.exp(min((self.middle - epoch) / self.width, 700.0))))

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return torch.lerp(self.first(logits, target), self.second(logits, target), self.share)
