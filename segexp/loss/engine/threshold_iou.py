"""The engine of the Lovász family: the Jaccard loss averaged over the law of a threshold, in linear time."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from segexp.loss.engine.class_average import ClassAverage, Classes
from segexp.loss.engine.counting import TABLE_ELEMENTS, Slopes, count, expected_loss, slope_tables, slopes
from segexp.loss.engine.law import Grid, Law, check_law, tabulate
from segexp.loss.engine.momentum import RunningAverage
from segexp.loss.engine.one_vs_rest import Pixels, gradient_of_scores, one_vs_rest
from segexp.loss.engine.pieces import Buffers, Pieces
from segexp.loss.engine.pixels import check_inputs
from segexp.loss.engine.ranking import of_all_ranks, one_group, rank
from segexp.loss.engine.reduction import num_ranks, sum_over_ranks
from segexp.types import Logits, Scalar, Target

RANKED_ELEMENTS = 2**18  # logits of the global batch up to which sorting is quick
RANKED_BINS = 2**16  # resolution of the law there
NEGLIGIBLE = 1e-5  # probability of the law left to the first and to the last bin
BINS_TIMES_PIXELS = 2**27  # from which what bins mistake about the order of pixels averages out

Gradient = Callable[..., Tensor]
Evaluated = tuple[Scalar, Gradient, tuple[Tensor, ...]]
"""A value, its gradient as a function of a factor and of tensors, and those tensors."""


class ThresholdIoU(nn.Module):
    """1 - IoU of the pixels above a threshold, averaged over the law of the threshold, then over classes.

    law: distribution of the threshold on [0, 1]. by_error: whether the threshold is on the error |1[y=c] - p| of a
    pixel (Lovász-Softmax) or on its probability p (Lovász extension of the IoU).
    classes, class_weights, per_image: see ClassAverage. momentum: see RunningAverage; not with per_image.
    bins: at least so many per class; more of them where pixels are few enough to notice, and a sort for very few,
    unless there is momentum. Raises ValueError for what is not allowed.
    """

    def __init__(
        self,
        num_classes: int,
        law: Law,
        by_error: bool,
        classes: Classes = "present",
        class_weights: Sequence[float] | None = None,
        per_image: bool = False,
        momentum: float = 0.0,
        bins: int = 1024,
    ) -> None:
        super().__init__()
        check_law(law)
        most = 2 * TABLE_ELEMENTS // num_classes
        if not 16 <= bins <= most:
            raise ValueError(f"loss: bins is {bins}; allowed are 16..{most}, 1024 is accurate; set loss.bins")
        if momentum and per_image:
            raise ValueError("loss: momentum remembers the counts of a batch and per_image has none; set one of them")
        self.num_classes, self.law, self.by_error, self.bins = num_classes, law, by_error, bins
        self.average = ClassAverage(num_classes, classes, class_weights, per_image)
        self.memory = RunningAverage((2, 1, num_classes, bins), momentum)
        self._grids: dict[tuple[int, torch.device], Grid] = {}

    def forward(self, logits: Logits, target: Target) -> Scalar:
        """logits: unnormalised scores [B, C, H, W]. target: class indices or VOID [B, H, W].

        Returns a float32 value in [0, 1]; 0 if every pixel is void.
        """
        with torch.no_grad(), Pieces(logits.device) as pieces:
            check_inputs(logits, target, self.num_classes)  # here, as torch's own threads spin for a while after use
            few = logits.numel() * num_ranks(self.training) <= RANKED_ELEMENTS and not self.memory.momentum
            grid = self._grid(RANKED_BINS if few else self._num_bins(target), logits.device)
            pixels = one_vs_rest(logits, target, grid.steep or few, pieces)
            value, gradient, tensors = self._by_sorting(pixels) if few else self._by_counting(pixels, grid, pieces)
            value = value.masked_fill(pixels.own.isnan().any(), math.nan)  # bins cannot hold a network gone astray
        return _WithGradient.apply(logits, value, gradient, num_ranks(self.training), *tensors)

    def _by_counting(self, pixels: Pixels, grid: Grid, pieces: Pieces) -> Evaluated:
        counts = count(pixels, grid, self.by_error, self.average.per_image, pieces)
        if not self.average.per_image:
            counts = self.memory(sum_over_ranks(counts, self.training))
        weight = self.average(counts[0].sum(-1))
        value = (weight * expected_loss(counts, grid, self.by_error)).sum()
        tables = slope_tables(counts, weight, grid, self.by_error)
        gradient = partial(_gradient_from_tables, grid, self.by_error)
        return sum_over_ranks(value, self.training and self.average.per_image), gradient, (tables, *pixels)

    def _by_sorting(self, pixels: Pixels) -> Evaluated:
        shared = self.training and not self.average.per_image
        images, mine = of_all_ranks(pixels, shared)
        groups = images if self.average.per_image else one_group(images)
        num_true, loss, slope = rank(groups, self._grid(RANKED_BINS, groups.void.device), self.by_error)
        weight = self.average(num_true)
        value = (weight * loss).sum()
        slope = slope.mul_(weight[..., None])
        if not self.average.per_image:
            slope = slope[0].unflatten(1, (len(images.position), -1)).movedim(1, 0)[mine]
        return (
            value if shared else sum_over_ranks(value, self.training),
            _gradient_from_slopes,
            (slope, pixels.position),
        )

    def _num_bins(self, target: Target) -> int:
        if self.memory.momentum:
            return self.bins
        num_pixels = target[0].numel() if self.average.per_image else target.numel() * num_ranks(self.training)
        return max(self.bins, min(BINS_TIMES_PIXELS // num_pixels, TABLE_ELEMENTS // self.num_classes))

    def _grid(self, num_bins: int, device: torch.device) -> Grid:
        if (num_bins, device) not in self._grids:
            negligible = 0.0 if num_bins == RANKED_BINS else NEGLIGIBLE
            self._grids[num_bins, device] = tabulate(self.law, num_bins, device, negligible)
        return self._grids[num_bins, device]


class _WithGradient(torch.autograd.Function):
    """A value, and how its gradient with respect to the logits follows from tensors kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, logits: Logits, value: Scalar, gradient: Gradient, ranks: int, *tensors: Tensor) -> Scalar:
        ctx.save_for_backward(*tensors)
        ctx.gradient, ctx.ranks, ctx.shape, ctx.dtype = gradient, ranks, logits.shape, logits.dtype
        return value.clone()

    @staticmethod
    def backward(ctx: Any, scale: Scalar) -> tuple[Tensor | None, ...]:
        gradient = ctx.gradient(ctx.ranks * scale, *ctx.saved_tensors)  # ranks: see global_sum
        return gradient.view(ctx.shape).to(ctx.dtype), *[None] * (3 + len(ctx.saved_tensors))


def _gradient_from_tables(grid: Grid, by_error: bool, scale: Scalar, tables: Slopes, *pixels: Tensor) -> Tensor:
    seen = Pixels(*pixels)
    gradient = torch.empty_like(seen.position)

    def work(image: int, piece: slice, buffers: Buffers) -> None:
        slope = slopes(seen, image, piece, scaled, grid, by_error, buffers)
        there = gradient[image, :, piece]
        gradient_of_scores(seen.position[image, :, piece], slope, grid.steep, buffers[1], out=there)

    with Pieces(gradient.device) as pieces:
        scaled = tables * scale
        pieces.each(gradient, work)
    return gradient


def _gradient_from_slopes(scale: Scalar, slope: Tensor, position: Tensor) -> Tensor:
    gradient, scaled = torch.empty_like(position), slope * scale
    for image in range(len(position)):
        gradient_of_scores(position[image], scaled[image], True, torch.empty_like(position[image]), out=gradient[image])
    return gradient
