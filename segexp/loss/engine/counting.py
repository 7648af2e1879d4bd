"""Threshold losses by counting: histograms of true and other pixels, linear in the number of pixels."""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from segexp.loss.engine.chunks import ChunkPool, Scratch
from segexp.loss.engine.class_average import ByClass
from segexp.loss.engine.distribution import LogitGrid
from segexp.loss.engine.jaccard import fall_by_true_positive, jaccard_loss, rise_by_false_positive
from segexp.loss.engine.one_vs_rest import Pixels

ThresholdHistogram = Float[Tensor, "kind group num_classes bin"]
SlopeTables = Float[Tensor, "kind group num_classes_times_steps"]
TRUE, OTHER = 0, 1
"""The kinds of pixels: those of the class, and valid ones of other classes."""
TABLE_ELEMENTS = 2**19  # of a table of slopes at most
MAX_STEPS = 16  # of a table per bin; finer ones gain nothing


def count_pixels(
    pixels: Pixels, grid: LogitGrid, by_error: bool, per_image: bool, pool: ChunkPool
) -> ThresholdHistogram:
    """Count the true and the other pixels of each class by the bin of their threshold.

    The threshold of a true pixel is the one below which it is predicted (its probability), or by error the one below
    which it is missed (1 - its probability). A group is an image if per_image, else all of them.
    """
    num_images, num_classes, _ = pixels.class_logit.shape
    counts = torch.zeros(num_images, 2, num_classes * grid.num_bins, dtype=torch.int64, device=pixels.void.device)
    for image, counts_of_chunk in pool.map(partial(_count_chunk, pixels, grid, by_error), pixels.class_logit):
        counts[image] += counts_of_chunk
    num_void = pixels.void.sum(1)  # their logits are -inf, and they were counted for the true class 0
    counts[:, TRUE, grid.num_bins - 1 if by_error else 0] -= num_void
    counts[:, OTHER, grid.num_bins :: grid.num_bins] -= num_void[:, None]
    by_class = counts.unflatten(2, (num_classes, grid.num_bins)).movedim(1, 0)
    return (by_class if per_image else by_class.sum(1, keepdim=True)).float()


def expected_loss(histogram: ThresholdHistogram, grid: LogitGrid, by_error: bool) -> ByClass:
    """Average the Jaccard loss of each class over the distribution of the threshold."""
    loss = jaccard_loss(*_counts_at_edges(histogram, by_error))
    return ((loss[..., 1:] + loss[..., :-1]) / 2 * grid.cdf.diff()).sum(-1)


def tabulate_slopes(histogram: ThresholdHistogram, weight: ByClass, grid: LogitGrid, by_error: bool) -> SlopeTables:
    """Tabulate the gradient of the weighted sum of losses by the probability of one pixel, in equal steps of the logit.

    Inside a bin pixels are taken to be spread evenly; a pixel is never counted as lying above itself.
    """
    true_positives, false_positives, num_true = _counts_at_edges(histogram, by_error)
    others = (false_positives[..., :-1] - 1).maximum(false_positives[..., 1:])  # above a pixel at the lower edge
    sides = []
    for edge, above in ((slice(None, -1), others), (slice(1, None), false_positives[..., 1:])):
        fall = fall_by_true_positive(false_positives[..., edge], num_true)
        rise = rise_by_false_positive(true_positives[..., edge], above, num_true)
        sides.append(torch.stack([-fall, rise]) * grid.density[edge] * weight[..., None])
    steps = _num_steps(histogram.shape[2], grid)
    fraction = (torch.arange(steps, dtype=weight.dtype, device=weight.device) + 0.5) / steps
    return torch.lerp(sides[0][..., None], sides[1][..., None], fraction).flatten(2)


def look_up_slopes(
    pixels: Pixels, image: int, chunk: slice, tables: SlopeTables, grid: LogitGrid, by_error: bool, scratch: Scratch
) -> Float[Tensor, "num_classes pixel"]:
    """Gradient of the loss by the probability of each class at the pixels of a chunk; overwrites both scratch tensors.

    Returns the first of them.
    """
    class_logit, true_logit = pixels.class_logit[image, :, chunk], pixels.true_logit[image, chunk]
    true_class = pixels.true_class[image, chunk]
    others, true = tables[OTHER, image % tables.shape[1]], tables[TRUE, image % tables.shape[1]]
    steps = _num_steps(len(class_logit), grid)
    index = _index(class_logit, grid, steps, scratch)
    torch.index_select(others, 0, index.flatten(), out=scratch[0].view(-1))
    true_index = _index_in_class(-true_logit if by_error else true_logit, true_class, grid, steps)
    return scratch[0].scatter_(0, true_class[None], true.index_select(0, true_index)[None])


def _num_steps(num_classes: int, grid: LogitGrid) -> int:
    return max(1, min(MAX_STEPS, TABLE_ELEMENTS // (num_classes * grid.num_bins)))


def _counts_at_edges(histogram: ThresholdHistogram, by_error: bool) -> tuple[Tensor, Tensor, Tensor]:
    """True positives, false positives and number of true pixels for a threshold at each edge of the bins."""
    above = torch.nn.functional.pad(histogram.flip(-1).cumsum(-1).flip(-1), (0, 1))
    num_true = above[TRUE, ..., :1]
    return num_true - above[TRUE] if by_error else above[TRUE], above[OTHER], num_true


def _count_chunk(
    pixels: Pixels, grid: LogitGrid, by_error: bool, image: int, chunk: slice, scratch: Scratch
) -> Int[Tensor, "kind num_classes_times_bins"]:
    true_logit, true_class = pixels.true_logit[image, chunk], pixels.true_class[image, chunk]
    size = len(scratch[0]) * grid.num_bins
    every = _bincount(_index(pixels.class_logit[image, :, chunk], grid, 1, scratch), size)
    predicted = _bincount(_index_in_class(true_logit, true_class, grid, 1), size)
    true = _bincount(_index_in_class(-true_logit, true_class, grid, 1), size) if by_error else predicted
    return torch.stack([true, every - predicted])


def _index(class_logit: Tensor, grid: LogitGrid, steps: int, scratch: Scratch) -> Int[Tensor, "num_classes pixel"]:
    """Index of each class's pixels in a table that holds `steps` steps per bin for one class after the other.

    Overwrites both scratch tensors and returns the second. A logit that is not a number gives the start of the table.
    """
    size = grid.num_bins * steps
    first = torch.arange(0, len(class_logit) * size, size, device=class_logit.device, dtype=class_logit.dtype)
    index = grid.fractional_index(class_logit, first[:, None], steps, out=scratch[0])
    return scratch[1].view(torch.int32).copy_(index).clamp_(min=0)


def _index_in_class(logit: Tensor, label: Tensor, grid: LogitGrid, steps: int) -> Int[Tensor, " pixel"]:
    """Index of each pixel in such a table for one class per pixel; a logit that is not a number gives its start."""
    return grid.fractional_index(logit, 0.0, steps).int().clamp_(min=0).add_(label, alpha=grid.num_bins * steps)


def _bincount(index: Tensor, size: int) -> Int[Tensor, " size"]:
    if index.device.type == "cpu":
        return torch.bincount(index.flatten(), minlength=size)
    counts = torch.zeros(size, dtype=torch.int64, device=index.device)  # torch.bincount would make the host wait
    return counts.scatter_add_(0, index.flatten().long(), counts.new_ones(()).expand(index.numel()))
