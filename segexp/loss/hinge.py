"""Multi-class hinge loss on probabilities."""

from torch import nn

from segexp.loss.engine.pixels import check_inputs, in_plain_float32
from segexp.loss.engine.reduction import global_mean
from segexp.types import VOID, Logits, Scalar, Target


class Hinge(nn.Module):
    """Mean over the global batch's valid pixels of 1/C sum over the other classes of max(0, margin - p_true + p_c).

    margin: by how much the true class's probability is to exceed every other, in (0, 1].
    Source: Crammer and Singer 2001 in the sum form of torch.nn.MultiMarginLoss, which knows no void pixels, gives NaN
    without any pixel, and takes the classes as last axis.
    """

    def __init__(self, margin: float = 0.5) -> None:
        super().__init__()
        if not 0 < margin <= 1:
            raise ValueError(f"hinge: margin is {margin}; allowed: 0 < margin <= 1 (probabilities); set loss.margin")
        self.margin = margin

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target)
        valid = target != VOID
        probability = in_plain_float32(logits).softmax(1)
        true_probability = probability.gather(1, target.long().where(valid, 0)[:, None])
        excess = (probability - true_probability + self.margin).clamp_(min=0).sum(1)
        excess = excess - self.margin  # the true class exceeds itself by just that
        return global_mean((excess * valid).sum() / logits.shape[1], valid.sum(), self.training)
