"""The softmax as one-vs-rest logits log p/(1 - p), exact for certain pixels, and the gradient back through it."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from segexp.loss.engine.chunks import ChunkPool, Scratch
from segexp.types import VOID, Logits, Target

SMALLEST_EXPONENT = -87.0  # below, exp is 0 or nearly, and takes 50 times as long on the CPU
ClassByPixel = Float[Tensor, "num_classes pixel"]


class Pixels(NamedTuple):
    """A batch as threshold losses see it.

    class_logit: log p/(1 - p) of each class, p the softmax of the logits; -inf where void.
    true_logit: class_logit of the true class. true_class: 0 where void. void: which pixels cost nothing.
    """

    class_logit: Float[Tensor, "batch num_classes pixel"]
    true_logit: Float[Tensor, "batch pixel"]
    true_class: Int[Tensor, "batch pixel"]
    void: Bool[Tensor, "batch pixel"]


def one_vs_rest(logits: Logits, target: Target, precise: bool, pool: ChunkPool) -> Pixels:
    """Compute one-vs-rest logits from logits [B, C, H, W], finite or -inf, and the target [B, H, W].

    precise: whether the loss depends on p above 1 - 1e-5; then p near 1 is computed as exactly as p near 0.
    """
    scores, void = logits.detach().flatten(2), target.flatten(1) == VOID
    true_class = target.flatten(1).long().masked_fill(void, 0)  # not in place: an int64 target is the caller's own
    class_logit = torch.empty(scores.shape, dtype=torch.float32, device=logits.device)
    true_logit = torch.empty(true_class.shape, dtype=torch.float32, device=logits.device)

    def work(image: int, chunk: slice, scratch: Scratch) -> None:
        out = class_logit[image, :, chunk]
        _one_vs_rest(scores[image, :, chunk].float(), void[image, chunk], precise, scratch[0], out=out)
        torch.gather(out, 0, true_class[None, image, chunk], out=true_logit[None, image, chunk])

    pool.map(work, scores)
    return Pixels(class_logit, true_logit, true_class, void)


def logit_gradient(
    class_logit: ClassByPixel, slope: ClassByPixel, precise: bool, scratch: ClassByPixel, out: ClassByPixel
) -> None:
    """Write into `out` the gradient with respect to the logits of the network; overwrites slope and scratch.

    class_logit: one-vs-rest; pixels at -inf (void) get 0. slope: gradient with respect to the probabilities.
    precise: whether slopes may be large where p is near 1, where two nearly equal ones would be subtracted; then all
    slopes of a pixel are taken relative to that of its likely class.
    """
    if precise:
        slope.sub_(torch.mul(slope, class_logit > 0, out=scratch).sum(0))
    probability = torch.sigmoid(class_logit, out=out)
    slope.sub_(torch.mul(probability, slope, out=scratch).sum(0))
    probability.mul_(slope)


def _one_vs_rest(
    scores: ClassByPixel, void: Bool[Tensor, " pixel"], precise: bool, scratch: ClassByPixel, out: ClassByPixel
) -> None:
    largest = scores.amax(0).clamp_(min=torch.finfo(scores.dtype).min).masked_fill_(void, math.inf)
    difference = torch.sub(scores, largest, out=out)
    odds = torch.clamp(difference, min=SMALLEST_EXPONENT, out=scratch).exp_()  # p over the largest p
    rest = odds.sum(0, dtype=torch.float64 if precise else None).sub_(1).clamp_(min=0).to(odds)
    difference.sub_(torch.sub(1, odds, out=odds).add_(rest).log_())
