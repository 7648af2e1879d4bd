"""Threshold losses by counting: histograms of true and other pixels, linear in the number of pixels."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from segexp.loss.engine.chunks import ChunkPool, ClassByPixel, Scores, Scratch, empty_gradient, in_float32, is_plain
from segexp.loss.engine.class_average import ByClass
from segexp.loss.engine.distribution import LogitGrid
from segexp.loss.engine.jaccard import fall_by_true_positive, jaccard_loss, rise_by_false_positive
from segexp.loss.engine.one_vs_rest import logit_gradient, one_vs_rest, probability
from segexp.types import VOID, Logits, Target

ThresholdHistogram = Float[Tensor, "kind group num_classes bin"]
EdgeSlopes = Float[Tensor, "side kind group num_classes bin"]
SlopeTables = Float[Tensor, "kind group num_classes_times_places"]
TRUE, OTHER = 0, 1
"""The kinds of pixels: those of the class, and valid ones of other classes."""
TABLE_ELEMENTS = 2**19  # of a table of slopes at most
MAX_STEPS = 16  # of a table per bin; finer ones gain nothing
NOWHERE = 0  # place in a table where the slope is 0
PlaceByClass = Int[Tensor, "num_classes pixel"]


class Places(NamedTuple):
    """Where each pixel of a batch lies in the tables of slopes.

    other: in the table of each class, for pixels of other classes; NOWHERE for the true class and void pixels.
    true: in the row of all tables, for the true class; NOWHERE for void pixels. label: the true class, 0 for void
    pixels. log_total: see `one_vs_rest`.
    """

    other: Int[Tensor, "batch num_classes pixel"]
    true: Int[Tensor, "batch pixel"]
    label: Int[Tensor, "batch pixel"]
    log_total: Float[Tensor, "batch pixel"]


def count_pixels(
    logits: Logits, target: Target, grid: LogitGrid, by_error: bool, per_image: bool, pool: ChunkPool
) -> tuple[ThresholdHistogram, Places]:
    """Count the true and the other pixels of each class by the bin of their threshold.

    The threshold of a true pixel is the one below which it is predicted (its probability), or by error the one below
    which it is missed (1 - its probability). A group is an image if per_image, else all of them.
    """
    scores, labels = logits.detach().flatten(2), target.flatten(1)
    num_images, num_classes, _ = scores.shape
    steps, size = _num_steps(num_classes, grid), _table_size(num_classes, grid)
    first, num_places = _first_places(num_classes, grid, scores.device), num_classes * size
    counted = labels != VOID
    label = labels * counted
    places = _empty_places(scores, label.long(), size)
    true_logit = torch.empty_like(places.log_total)

    def work(image: int, chunk: slice, scratch: Scratch) -> Int[Tensor, " num_classes_times_bins"]:
        other, true, log_total = (
            places.other[image, :, chunk],
            places.label[image, None, chunk],
            places.log_total[image, chunk],
        )
        pixels = in_float32(scores[image, :, chunk], scratch[0])
        class_logit = one_vs_rest(pixels, grid.has_high_density, scratch[1], out=scratch[0], log_total=log_total)
        torch.gather(class_logit, 0, true, out=true_logit[image, None, chunk])
        other.copy_(grid.fractional_index(class_logit, steps, steps, out=class_logit))
        other.mul_(counted[image, chunk].logical_and_(log_total.isnan().logical_not_()))
        other.scatter_(0, true, NOWHERE)
        return _bincount(_in_all_tables(other, first, scratch[1]), steps, num_places)

    counts = torch.zeros(num_images, 2, num_places // steps, dtype=torch.int64, device=scores.device)
    for image, counts_of_chunk in pool.map(work, scores):
        counts[image, OTHER] += counts_of_chunk
    # Pixel by pixel there is too little to do for chunks to be worth their calls.
    true = grid.fractional_index(true_logit.neg_() if by_error else true_logit, steps, steps, out=true_logit)
    places.true.copy_(true).add_(label.int(), alpha=size).mul_(counted)
    for counts_of_image, place in zip(counts, places.true, strict=True):
        counts_of_image[TRUE] = _bincount(place, steps, num_places)
    by_class = counts.unflatten(2, (num_classes, -1)).movedim(1, 0)[..., 1:]  # the first bin is NOWHERE
    return (by_class if per_image else by_class.sum(1, keepdim=True)).float(), places


def expected_loss(histogram: ThresholdHistogram, grid: LogitGrid, by_error: bool) -> ByClass:
    """Average the Jaccard loss of each class over the distribution of the threshold."""
    loss = jaccard_loss(*_counts_at_edges(histogram, by_error))
    return ((loss[..., 1:] + loss[..., :-1]) / 2 * grid.cdf.diff()).sum(-1)


def slopes_at_edges(histogram: ThresholdHistogram, weight: ByClass, grid: LogitGrid, by_error: bool) -> EdgeSlopes:
    """Compute the gradient of the weighted sum of losses by the probability of one pixel, at both edges of each bin.

    A pixel is never counted as lying above itself.
    """
    true_positives, false_positives, num_true = _counts_at_edges(histogram, by_error)
    others = (false_positives[..., :-1] - 1).maximum(false_positives[..., 1:])  # above a pixel at the lower edge
    sides = []
    for edge, above in ((slice(None, -1), others), (slice(1, None), false_positives[..., 1:])):
        fall = fall_by_true_positive(false_positives[..., edge], num_true)
        rise = rise_by_false_positive(true_positives[..., edge], above, num_true)
        sides.append(torch.stack([-fall, rise]) * grid.density[edge] * weight[..., None])
    return torch.stack(sides)


def gradient_by_counting(
    logits: Logits, places: Places, slopes: EdgeSlopes, grid: LogitGrid, pool: ChunkPool
) -> Logits:
    """Compute the gradient of the loss by the logits, in their own type and memory format."""
    scores = logits.detach().flatten(2)
    num_images, num_classes, _ = scores.shape
    first = _first_places(num_classes, grid, scores.device)
    tables = _tabulate(slopes, _num_steps(num_classes, grid)).expand(-1, num_images, -1)
    slope_of_true = torch.empty_like(places.log_total)
    for table, place, out in zip(tables[TRUE], places.true, slope_of_true, strict=True):
        torch.index_select(table, 0, place, out=out)
    gradient, by_pixel = empty_gradient(logits)

    def work(image: int, chunk: slice, scratch: Scratch) -> None:
        out = by_pixel[image, :, chunk]
        index = _in_all_tables(places.other[image, :, chunk], first, scratch[0])
        slope = torch.index_select(tables[OTHER, image], 0, index.flatten(), out=scratch[1].view(-1)).view_as(index)
        slope.scatter_(0, places.label[image, None, chunk], slope_of_true[image, None, chunk])
        pixels = in_float32(scores[image, :, chunk], scratch[0])
        share = probability(pixels, places.log_total[image, chunk], out=scratch[0])
        of_chunk = logit_gradient(share, slope, grid.has_high_density, out=out if is_plain(out) else slope)
        if not is_plain(out):
            out.copy_(of_chunk)

    pool.map(work, scores)
    return gradient


def _tabulate(slopes: EdgeSlopes, steps: int) -> SlopeTables:
    """Tabulate slopes in equal steps of the logit; inside a bin pixels are taken to be spread evenly.

    The tables of all classes follow each other. Each begins with one bin of zeros, for pixels that lie NOWHERE.
    """
    fraction = (torch.arange(steps, dtype=slopes.dtype, device=slopes.device) + 0.5) / steps
    low, high = slopes[..., None]
    tables = slopes.new_zeros(*low.shape[:3], low.shape[3] + 1, steps)  # kind group class bin step
    torch.lerp(low, high, fraction, out=tables[..., 1:, :])
    return tables.flatten(2)


def _counts_at_edges(histogram: ThresholdHistogram, by_error: bool) -> tuple[Tensor, Tensor, Tensor]:
    """True positives, false positives and number of true pixels for a threshold at each edge of the bins."""
    above = torch.nn.functional.pad(histogram.flip(-1).cumsum(-1).flip(-1), (0, 1))
    num_true = above[TRUE, ..., :1]
    return num_true - above[TRUE] if by_error else above[TRUE], above[OTHER], num_true


def _num_steps(num_classes: int, grid: LogitGrid) -> int:
    """Steps of a table per bin, a power of two."""
    return 1 << max(1, min(MAX_STEPS, TABLE_ELEMENTS // (num_classes * grid.num_bins))).bit_length() - 1


def _table_size(num_classes: int, grid: LogitGrid) -> int:
    """Places in the table of one class: those of the bins, and as many as one bin has in front of them, for NOWHERE."""
    return (grid.num_bins + 1) * _num_steps(num_classes, grid)


def _first_places(num_classes: int, grid: LogitGrid, device: torch.device) -> Int[Tensor, "num_classes 1"]:
    """Where the table of each class begins in the row of all tables."""
    return torch.arange(num_classes, dtype=torch.int32, device=device)[:, None] * _table_size(num_classes, grid)


def _empty_places(scores: Scores, label: Int[Tensor, "batch pixel"], size: int) -> Places:
    device, by_pixel = scores.device, (scores.shape[0], scores.shape[2])
    return Places(
        torch.empty(scores.shape, dtype=torch.int16 if size <= 2**15 else torch.int32, device=device),
        torch.empty(by_pixel, dtype=torch.int32, device=device),
        label,
        torch.empty(by_pixel, dtype=torch.float32, device=device),
    )


def _in_all_tables(place: PlaceByClass, first: Int[Tensor, "num_classes 1"], scratch: ClassByPixel) -> PlaceByClass:
    """Turn places in the table of each class into those in the row of all tables, in the memory of scratch."""
    return scratch.view(torch.int32).copy_(place).add_(first)


def _bincount(place: Int[Tensor, "..."], steps: int, num_places: int) -> Int[Tensor, " bin"]:
    """Count places by bin."""
    index, num_bins = place.bitwise_right_shift(steps.bit_length() - 1).flatten(), num_places // steps
    if index.device.type == "cpu":
        return torch.bincount(index, minlength=num_bins)
    counts = torch.zeros(num_bins, dtype=torch.int64, device=index.device)  # torch.bincount would make the host wait
    return counts.scatter_add_(0, index.long(), counts.new_ones(()).expand(index.numel()))
