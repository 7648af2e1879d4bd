"""Cross-entropy: the baseline every other loss is compared with."""

from torch import nn

from segexp.loss.engine.pixels import check_inputs, check_label_smoothing, negative_log_likelihood
from segexp.loss.engine.reduction import global_mean
from segexp.types import VOID, Logits, Scalar, Target


class CrossEntropy(nn.Module):
    """Mean over the valid pixels of the global batch of -log p(true class).

    label_smoothing: share of the loss that is the mean over all classes instead, in [0, 1).
    Different from torch.nn.CrossEntropyLoss: a batch of only void gives 0 instead of NaN, ranks with unequal numbers of
    void pixels weigh each pixel alike, and it is deterministic on CUDA too.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Logits, target: Target) -> Scalar:
        check_inputs(logits, target)
        loss = negative_log_likelihood(logits, target, label_smoothing=self.label_smoothing)
        return global_mean(loss.sum(), (target != VOID).sum(), self.training)
