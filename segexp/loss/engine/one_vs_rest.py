"""Softmax seen from each class: log p/(1 - p), exact for pixels that are certain, and the way back."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from segexp.loss.engine.pieces import Buffers, Pieces
from segexp.types import VOID, Logits, Target

SMALLEST_EXPONENT = -87.0  # below, exp is 0 or nearly, and takes 50 times as long on the CPU
ClassByPixel = Float[Tensor, "num_classes pixel"]


class Pixels(NamedTuple):
    """A batch as threshold losses see it.

    position: log p/(1 - p) of each class, p the softmax of the logits; -inf where void.
    own: the position of the true class. truth: the true class, 0 where void. void: which pixels cost nothing.
    """

    position: Float[Tensor, "batch num_classes pixel"]
    own: Float[Tensor, "batch pixel"]
    truth: Int[Tensor, "batch pixel"]
    void: Bool[Tensor, "batch pixel"]


def one_vs_rest(logits: Logits, target: Target, steep: bool, pieces: Pieces) -> Pixels:
    """What threshold losses need to know of logits [B, C, H, W], finite or -inf, and target [B, H, W].

    steep: whether the loss looks at p above 1 - 1e-5; then it is told from 1 as well as from 0.
    """
    scores, void = logits.detach().flatten(2), target.flatten(1) == VOID
    truth = target.flatten(1).long().masked_fill_(void, 0)
    position = torch.empty(scores.shape, device=logits.device)
    own = torch.empty(truth.shape, device=logits.device)

    def work(image: int, piece: slice, buffers: Buffers) -> None:
        there = position[image, :, piece]
        _one_vs_rest(scores[image, :, piece].float(), void[image, piece], steep, buffers[0], out=there)
        torch.gather(there, 0, truth[None, image, piece], out=own[None, image, piece])

    pieces.each(scores, work)
    return Pixels(position, own, truth, void)


def gradient_of_scores(
    position: ClassByPixel, slope: ClassByPixel, steep: bool, buffer: ClassByPixel, out: ClassByPixel
) -> None:
    """Gradient with respect to the logits from that with respect to the probabilities; overwrites slope and buffer.

    Pixels at -inf (void) get 0. steep: whether slopes may be large where p is near 1, where two nearly equal ones would
    be subtracted; then all slopes of a pixel are taken relative to that of its likely class.
    """
    if steep:
        slope.sub_(torch.mul(slope, position > 0, out=buffer).sum(0))
    probability = torch.sigmoid(position, out=out)
    slope.sub_(torch.mul(probability, slope, out=buffer).sum(0))
    probability.mul_(slope)


def _one_vs_rest(
    scores: ClassByPixel, void: Bool[Tensor, " pixel"], steep: bool, buffer: ClassByPixel, out: ClassByPixel
) -> None:
    top = scores.amax(0).clamp_(min=torch.finfo(scores.dtype).min).masked_fill_(void, math.inf)
    difference = torch.sub(scores, top, out=out)
    odds = torch.clamp(difference, min=SMALLEST_EXPONENT, out=buffer).exp_()  # p over the largest p
    rest = odds.sum(0, dtype=torch.float64 if steep else None).sub_(1).clamp_(min=0).to(odds)
    difference.sub_(torch.sub(1, odds, out=odds).add_(rest).log_())
