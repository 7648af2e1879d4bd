"""Cross-entropy: the baseline every other loss is compared with."""

from torch import nn

from segexp.loss.engine.pixels import check_inputs, negative_log_likelihood
from segexp.loss.engine.reduction import global_mean
from segexp.types import VOID, Logits, Scalar, Target


class CrossEntropy(nn.Module):
    """Mean over the valid pixels of the global batch of -log p(true class).

    torch's own, except that a batch of only void gives 0 where torch.nn.CrossEntropyLoss gives NaN, that ranks with
    unequal numbers of void pixels weigh each pixel alike, and that it is deterministic on CUDA too.
    """

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W]. Returns a value >= 0."""
        check_inputs(logits, target)
        loss = negative_log_likelihood(logits, target)
        return global_mean(loss.sum(), (target != VOID).sum(), self.training)
