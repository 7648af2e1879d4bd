"""Cross-entropy: the baseline every other loss is compared with."""

from torch import nn

from segexp.loss.engine.pixels import check_inputs, negative_log_likelihood
from segexp.loss.engine.reduction import global_mean
from segexp.types import VOID, Logits, Scalar, Target


class CrossEntropy(nn.Module):
    """Mean over the valid pixels of the global batch of -log p(true class).

    Different from torch.nn.CrossEntropyLoss: a batch of only void gives 0 instead of NaN, ranks with unequal numbers of
    void pixels weigh each pixel alike, and it is deterministic on CUDA too.
    """

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target)
        loss = negative_log_likelihood(logits, target)
        return global_mean(loss.sum(), (target != VOID).sum(), self.training)
