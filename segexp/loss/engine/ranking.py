"""Threshold losses by sorting: exact, and quick enough for few pixels, whose order bins would mistake."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, distributed

from segexp.loss.engine.counting import ByClass
from segexp.loss.engine.jaccard import fall_by_true_positive, rise_by_false_positive
from segexp.loss.engine.law import Grid
from segexp.loss.engine.one_vs_rest import Pixels
from segexp.loss.engine.reduction import num_ranks

Positions = Float[Tensor, "group num_classes pixel"]
Flags = Bool[Tensor, "group num_classes pixel"]


def of_all_ranks(pixels: Pixels, training: bool) -> tuple[Pixels, slice]:
    """The images of all ranks, and which of them are this rank's; ranks hold equally many images of one size."""
    ranks, num_images = num_ranks(training), len(pixels.void)
    if ranks == 1:
        return pixels, slice(None)
    first = distributed.get_rank() * num_images
    return Pixels(*(_gather(tensor, ranks) for tensor in pixels)), slice(first, first + num_images)


def one_group(images: Pixels) -> Pixels:
    """The pixels of all images as if they were one image."""
    position = images.position.movedim(0, 1).flatten(1)[None]  # b c pixel -> 1 c pixel
    return Pixels(position, *(tensor.reshape(1, -1) for tensor in images[1:]))


def rank(groups: Pixels, grid: Grid, by_error: bool) -> tuple[ByClass, ByClass, Positions]:
    """Per group of pixels and class the number of true pixels, the expected Jaccard loss and its slopes.

    groups: each image is a group. grid: gives the law only. Slopes are changes of the loss with each probability.
    """
    position, truth = groups.position, groups.truth.masked_fill(groups.void, -1)[:, None]
    true = truth == torch.arange(position.shape[1], device=truth.device)[:, None]  # g c pixel
    other = (truth >= 0) & ~true
    threshold = torch.where(true, -position, position) if by_error else position
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
    everyone = tensor.new_empty(ranks * len(tensor), *tensor.shape[1:])
    distributed.all_gather_into_tensor(everyone, tensor.contiguous())
    return everyone
