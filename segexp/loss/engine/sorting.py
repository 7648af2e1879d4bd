"""Threshold losses by sorting: exact, and quick enough for few pixels, whose order bins would get wrong."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, distributed

from segexp.loss.engine.chunks import empty_gradient
from segexp.loss.engine.class_average import ByClass
from segexp.loss.engine.distribution import LogitGrid
from segexp.loss.engine.jaccard import fall_by_true_positive, rise_by_false_positive
from segexp.loss.engine.one_vs_rest import logit_gradient, one_vs_rest
from segexp.types import VOID, Logits, Target

Slopes = Float[Tensor, "group num_classes pixel"]
Flags = Bool[Tensor, "group num_classes pixel"]
NO_CLASS = -1


class Groups(NamedTuple):
    """The pixels of each group: an image, or the global batch.

    class_logit: see `one_vs_rest`, -inf where void. label: the true class, NO_CLASS where void.
    """

    class_logit: Float[Tensor, "group num_classes pixel"]
    label: Int[Tensor, "group pixel"]


def by_image(logits: Logits, target: Target) -> Groups:
    """Take each image for a group; logits [B, C, H, W], finite or -inf. Void pixels get -inf."""
    scores, void = logits.detach().flatten(2).float(), target.flatten(1) == VOID
    class_logit = torch.empty_like(scores, memory_format=torch.contiguous_format)
    for each, out in zip(scores, class_logit, strict=True):
        one_vs_rest(each, True, torch.empty_like(out), out=out, log_total=torch.empty_like(out[0]))
    label = target.flatten(1).long().masked_fill(void, NO_CLASS)
    return Groups(class_logit.masked_fill_(void[:, None], -math.inf), label)


def join(images: Groups, sizes: Sequence[int]) -> tuple[Groups, slice]:
    """Join the pixels of all images of all ranks to one group; the slice selects this rank's.

    sizes: number of pixels of each rank, which may hold any number of images of any size.
    """
    class_logit = images.class_logit.movedim(0, 1).flatten(1)[None]  # b c pixel -> 1 c pixel
    own = Groups(class_logit, images.label.flatten()[None])
    if len(sizes) == 1:
        return own, slice(None)
    rank = distributed.get_rank()
    mine = slice(sum(sizes[:rank]), sum(sizes[: rank + 1]))
    return Groups(*(_join_ranks(tensor, sum(sizes), mine) for tensor in own)), mine


def loss_by_sorting(groups: Groups, grid: LogitGrid, by_error: bool) -> tuple[ByClass, ByClass, Slopes]:
    """Compute per group and class the number of true pixels, the expected Jaccard loss, and its slopes.

    grid: only its distribution is used, not its bins.
    Slopes are the gradient of the loss by the probability of each class at each pixel.
    """
    class_logit, label = groups.class_logit, groups.label[:, None]
    true = label == torch.arange(class_logit.shape[1], device=label.device)[:, None]  # g c pixel
    other = (label != NO_CLASS) & ~true
    threshold = torch.where(true, -class_logit, class_logit) if by_error else class_logit
    threshold, order = threshold.sort(stable=True, dim=-1, descending=True)
    true, other = true.gather(-1, order), other.gather(-1, order)
    num_true = true.sum(-1, keepdim=True).float()
    fall, rise = _changes(true, other, num_true, by_error)
    jump = rise + fall if by_error else rise - fall  # of the loss, as the threshold passes the pixel on its way down
    start = torch.zeros_like(num_true) if by_error else (num_true > 0).float()  # nothing missed, or nothing predicted
    loss = start[..., 0] + (grid.interpolate(grid.cdf, threshold) * jump).sum(-1)
    slope = (rise - fall).mul_(grid.interpolate(grid.density, threshold))
    return num_true[..., 0], loss, torch.empty_like(slope).scatter_(-1, order, slope)


def gradient_by_sorting(logits: Logits, images: Groups, slopes: Slopes) -> Logits:
    """Compute the gradient of the loss by the logits, in their own type and memory format; overwrites the slopes."""
    gradient, by_pixel = empty_gradient(logits)
    for each_logit, each_slope, out in zip(images.class_logit, slopes, by_pixel, strict=True):
        out.copy_(logit_gradient(torch.sigmoid(each_logit), each_slope, precise=True))
    return gradient


def _changes(true: Flags, other: Flags, num_true: Tensor, by_error: bool) -> tuple[Tensor, Tensor]:
    """Fall of the loss by each true pixel and rise by each other one, given the pixels sorted before it."""
    passed = true.cumsum(-1).sub_(true.long()).float()
    false_positives = other.cumsum(-1).sub_(other.long()).float()
    fall = fall_by_true_positive(false_positives, num_true)
    rise = rise_by_false_positive(num_true - passed if by_error else passed, false_positives, num_true)
    return fall * true, rise * other


def _join_ranks(tensor: Tensor, size: int, mine: slice) -> Tensor:
    joined = tensor.new_zeros(*tensor.shape[:-1], size)
    joined[..., mine] = tensor
    distributed.all_reduce(joined)  # a sum with zeros: ranks that gather must hold equally much
    return joined
