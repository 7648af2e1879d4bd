"""One loss that hands over to another during training: by default cross-entropy to soft IoU."""

import math

import torch
from torch import Tensor, nn

from segexp.system.precise import Precise
from segexp.types import Logits, Scalar, Target

UNITS = ("training", "epochs")


class CrossEntropyToIoU(Precise):
    """(1 - s) first + s second, with s = sigmoid((now - middle) / width).

    first, second: any two losses. unit: of `now`, `middle` and `width`: "training", whose whole length is 1, or
    "epochs", where `now` is the number of the epoch from 0. middle: when both weigh one half, between 0 and 1 if unit
    is training. width: above 0; the hand-over takes about 10 of them.
    Call `set_progress` as the training goes on, also after a resume: a fresh loss is at the beginning, and the progress
    is not in its state_dict, as the trainer's checkpoint holds it.
    """

    share: Tensor

    def __init__(self, first: nn.Module, second: nn.Module, middle: float, width: float, unit: str) -> None:
        super().__init__()
        if unit not in UNITS:
            raise ValueError(f"cross_entropy_to_iou: unit is {unit!r}; allowed: {', '.join(UNITS)}; set loss.unit")
        if width <= 0:
            raise ValueError(f"cross_entropy_to_iou: width is {width}; allowed: a number above 0; set loss.width")
        if unit == "training" and not 0 < middle < 1:
            raise ValueError(
                f"cross_entropy_to_iou: middle is {middle}; allowed: a fraction of the training between 0 and 1; set "
                "loss.middle, or set loss.unit=epochs and give loss.middle and loss.width in epochs"
            )
        self.first, self.second, self.middle, self.width, self.unit = first, second, middle, width, unit
        self.register_buffer("share", torch.zeros((), dtype=torch.float32), persistent=False)
        self.set_progress(epoch=0, fraction=0.0)

    def set_progress(self, epoch: int, fraction: float | None) -> None:
        """Weigh the two losses as at this epoch, which counts from 0, and this fraction of the training.

        fraction: None in a training without an end. Raises ValueError if it is needed.
        """
        if self.unit == "training" and fraction is None:
            raise ValueError(
                "cross_entropy_to_iou: unit is training, and this training has no end; set trainer.max_epochs or "
                "trainer.max_steps, or set loss.unit=epochs and give loss.middle and loss.width in epochs"
            )
        now = epoch if self.unit == "epochs" or fraction is None else fraction
        self.share.fill_(1 / (1 + math.exp(min((self.middle - now) / self.width, 700.0))))

    def forward(self, logits: Logits, target: Target) -> Scalar:
        return torch.lerp(self.first(logits, target), self.second(logits, target), self.share)
