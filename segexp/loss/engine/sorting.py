"""Threshold losses by sorting: exact, and quick enough for few pixels, whose order bins would get wrong."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, distributed

from segexp.loss.engine.class_average import ByClass
from segexp.loss.engine.distribution import LogitGrid
from segexp.loss.engine.jaccard import fall_by_true_positive, rise_by_false_positive
from segexp.loss.engine.one_vs_rest import Pixels
from segexp.loss.engine.reduction import num_ranks

Slopes = Float[Tensor, "group num_classes pixel"]
Flags = Bool[Tensor, "group num_classes pixel"]


def gather_from_ranks(pixels: Pixels, training: bool) -> tuple[Pixels, slice]:
    """Gather the images of all ranks, which must hold equally many of one size; the slice selects this rank's."""
    ranks, num_images = num_ranks(training), len(pixels.void)
    if ranks == 1:
        return pixels, slice(None)
    first = distributed.get_rank() * num_images
    return Pixels(*(_gather(tensor, ranks) for tensor in pixels)), slice(first, first + num_images)


def join_images(images: Pixels) -> Pixels:
    """Join the pixels of all images as if they were one image."""
    class_logit = images.class_logit.movedim(0, 1).flatten(1)[None]  # b c pixel -> 1 c pixel
    return Pixels(class_logit, *(tensor.reshape(1, -1) for tensor in images[1:]))


def loss_by_sorting(groups: Pixels, grid: LogitGrid, by_error: bool) -> tuple[ByClass, ByClass, Slopes]:
    """Compute per group and class the number of true pixels, the expected Jaccard loss, and its slopes.

    groups: each image is a group. grid: only its distribution is used, not its bins.
    Slopes are the gradient of the loss by the probability of each class at each pixel.
    """
    class_logit, label = groups.class_logit, groups.true_class.masked_fill(groups.void, -1)[:, None]
    true = label == torch.arange(class_logit.shape[1], device=label.device)[:, None]  # g c pixel
    other = (label >= 0) & ~true
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


def _changes(true: Flags, other: Flags, num_true: Tensor, by_error: bool) -> tuple[Tensor, Tensor]:
    """Fall of the loss by each true pixel and rise by each other one, given the pixels sorted before it."""
    passed = true.cumsum(-1).sub_(true.long()).float()
    false_positives = other.cumsum(-1).sub_(other.long()).float()
    fall = fall_by_true_positive(false_positives, num_true)
    rise = rise_by_false_positive(num_true - passed if by_error else passed, false_positives, num_true)
    return fall * true, rise * other


def _gather(tensor: Tensor, ranks: int) -> Tensor:
    gathered = tensor.new_empty(ranks * len(tensor), *tensor.shape[1:])
    distributed.all_gather_into_tensor(gathered, tensor.contiguous())
    return gathered
