"""Threshold losses by counting: histograms of true and other pixels, linear in the number of pixels."""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from segexp.loss.engine.jaccard import fall_by_true_positive, jaccard_loss, rise_by_false_positive
from segexp.loss.engine.law import Grid
from segexp.loss.engine.one_vs_rest import Pixels
from segexp.loss.engine.pieces import Buffers, Pieces

Counts = Float[Tensor, "kind group num_classes bin"]
Slopes = Float[Tensor, "kind group num_classes_times_steps"]
ByClass = Float[Tensor, "group num_classes"]
TRUE, OTHER = 0, 1
TABLE_ELEMENTS = 2**19  # of a table of slopes at most
MAX_STEPS = 16  # of a table per bin; finer ones gain nothing


def count(pixels: Pixels, grid: Grid, by_error: bool, per_image: bool, pieces: Pieces) -> Counts:
    """Pixels per bin: [TRUE] those of the class, at their threshold; [OTHER] valid ones of other classes.

    A true pixel stands at the threshold below which it is predicted (its probability), or by error below which it is
    missed (1 - its probability). A group is an image if per_image, else all of them.
    """
    num_images, num_classes, _ = pixels.position.shape
    counts = torch.zeros(num_images, 2, num_classes * grid.num_bins, dtype=torch.int64, device=pixels.void.device)
    for image, of_piece in pieces.each(pixels.position, partial(_count_piece, pixels, grid, by_error)):
        counts[image] += of_piece
    num_void = pixels.void.sum(1)  # they stand at -inf, and were counted for the true class 0
    counts[:, TRUE, grid.num_bins - 1 if by_error else 0] -= num_void
    counts[:, OTHER, grid.num_bins :: grid.num_bins] -= num_void[:, None]
    by_class = counts.unflatten(2, (num_classes, grid.num_bins)).movedim(1, 0)
    return (by_class if per_image else by_class.sum(1, keepdim=True)).float()


def expected_loss(counts: Counts, grid: Grid, by_error: bool) -> ByClass:
    """Jaccard loss of each class, averaged over the law of the threshold."""
    loss = jaccard_loss(*_at_edges(counts, by_error))
    return ((loss[..., 1:] + loss[..., :-1]) / 2 * grid.cdf.diff()).sum(-1)


def slope_tables(counts: Counts, weight: ByClass, grid: Grid, by_error: bool) -> Slopes:
    """Change of the weighted sum of losses with the probability of one pixel, in equal steps of the logit.

    Inside a bin pixels are taken to be spread evenly; a pixel is never counted as standing above itself.
    """
    true_positives, false_positives, num_true = _at_edges(counts, by_error)
    others = (false_positives[..., :-1] - 1).maximum(false_positives[..., 1:])  # above a pixel at the lower edge
    sides = []
    for edge, above in ((slice(None, -1), others), (slice(1, None), false_positives[..., 1:])):
        fall = fall_by_true_positive(false_positives[..., edge], num_true)
        rise = rise_by_false_positive(true_positives[..., edge], above, num_true)
        sides.append(torch.stack([-fall, rise]) * grid.density[edge] * weight[..., None])
    steps = _num_steps(counts.shape[2], grid)
    fraction = (torch.arange(steps, device=weight.device) + 0.5) / steps
    return torch.lerp(sides[0][..., None], sides[1][..., None], fraction).flatten(2)


def slopes(
    pixels: Pixels, image: int, piece: slice, tables: Slopes, grid: Grid, by_error: bool, buffers: Buffers
) -> Float[Tensor, "num_classes pixel"]:
    """Change of the loss with the probability of each class at some pixels of an image, in the first of the buffers."""
    position, truth, own = pixels.position[image, :, piece], pixels.truth[image, piece], pixels.own[image, piece]
    others, true = tables[OTHER, image % tables.shape[1]], tables[TRUE, image % tables.shape[1]]
    steps = _num_steps(len(position), grid)
    index = _index(position, grid, steps, buffers)
    torch.index_select(others, 0, index.flatten(), out=buffers[0].view(-1))
    own_slope = true.index_select(0, _index_of_true(-own if by_error else own, truth, grid, steps))
    return buffers[0].scatter_(0, truth[None], own_slope[None])


def _num_steps(num_classes: int, grid: Grid) -> int:
    return max(1, min(MAX_STEPS, TABLE_ELEMENTS // (num_classes * grid.num_bins)))


def _at_edges(counts: Counts, by_error: bool) -> tuple[Tensor, Tensor, Tensor]:
    """True positives, false positives and number of true pixels for a threshold at each edge of the bins."""
    above = torch.nn.functional.pad(counts.flip(-1).cumsum(-1).flip(-1), (0, 1))
    num_true = above[TRUE, ..., :1]
    return num_true - above[TRUE] if by_error else above[TRUE], above[OTHER], num_true


def _count_piece(
    pixels: Pixels, grid: Grid, by_error: bool, image: int, piece: slice, buffers: Buffers
) -> Int[Tensor, "kind num_classes_times_bins"]:
    own, truth = pixels.own[image, piece], pixels.truth[image, piece]
    size = len(buffers[0]) * grid.num_bins
    every = _histogram(_index(pixels.position[image, :, piece], grid, 1, buffers), size)
    predicted = _histogram(_index_of_true(own, truth, grid, 1), size)
    true = _histogram(_index_of_true(-own, truth, grid, 1), size) if by_error else predicted
    return torch.stack([true, every - predicted])


def _index(position: Tensor, grid: Grid, steps: int, buffers: Buffers) -> Int[Tensor, "num_classes pixel"]:
    """Where each class's pixels lie in a table with so many steps per bin for one class after the other.

    Overwrites both buffers; what it returns is the second. Where a position is not a number it is the start.
    """
    size = grid.num_bins * steps
    first = torch.arange(0, len(position) * size, size, device=position.device, dtype=position.dtype)
    place = grid.place(position, first[:, None], steps, out=buffers[0])
    return buffers[1].view(torch.int32).copy_(place).clamp_(min=0)


def _index_of_true(threshold: Tensor, truth: Tensor, grid: Grid, steps: int) -> Int[Tensor, " pixel"]:
    """Where pixels lie in that table for their true class; where a threshold is not a number, at its start."""
    return grid.place(threshold, 0.0, steps).int().clamp_(min=0).add_(truth, alpha=grid.num_bins * steps)


def _histogram(index: Tensor, size: int) -> Int[Tensor, " size"]:
    if index.device.type == "cpu":
        return torch.bincount(index.flatten(), minlength=size)
    counts = torch.zeros(size, dtype=torch.int64, device=index.device)  # bincount would make the host wait
    return counts.scatter_add_(0, index.flatten().long(), counts.new_ones(()).expand(index.numel()))
