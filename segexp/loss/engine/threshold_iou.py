"""The engine of the Lovász family: the Jaccard loss averaged over the distribution of a threshold, in linear time."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from segexp.loss.engine.averaging import AveragingOptions, averages
from segexp.loss.engine.chunks import ChunkPool
from segexp.loss.engine.counting import (
    TABLE_ELEMENTS,
    TRUE,
    EdgeSlopes,
    Places,
    count_pixels,
    expected_loss,
    gradient_by_counting,
    slopes_at_edges,
)
from segexp.loss.engine.distribution import LogitGrid, ThresholdDistribution, check_distribution, tabulate
from segexp.loss.engine.pixels import check_inputs
from segexp.loss.engine.reduction import num_ranks, sizes_of_ranks, sum_over_ranks
from segexp.loss.engine.sorting import Groups, Slopes, by_image, gradient_by_sorting, join, loss_by_sorting
from segexp.types import Logits, Scalar, Target

SORTED_ELEMENTS = 2**18  # logits of the global batch up to which sorting is quick
SORTED_BINS = 2**16  # resolution of the distribution there
NEGLIGIBLE = 1e-5  # probability of the distribution left to the first and to the last bin
MAX_GRIDS = 16  # kept: batches may have ever other sizes, and so other numbers of bins
BINS_TIMES_PIXELS = 2**27  # from which on the errors that bins make about the order of pixels average out

Gradient = Callable[..., Tensor]
ValueAndGradient = tuple[Scalar, Gradient, tuple[Tensor, ...]]
"""A value, its gradient as a function of the logits, of a factor and of tensors, and those tensors."""


class ThresholdOptions(AveragingOptions, total=False):
    """Options that each loss of the Lovász family takes by name.

    bins: at least so many per class (default 1024): more of them where pixels are few enough to notice, and a sort for
        very few, unless there is momentum.
    """

    bins: int


class ThresholdIoU(nn.Module):
    """1 - IoU of the pixels above a threshold, averaged over the distribution of the threshold, then over classes.

    distribution: of the threshold, on [0, 1]. by_error: whether the threshold is on the error |1[y=c] - p| of a
    pixel (Lovász-Softmax) or on its probability p (Lovász extension of the IoU).
    bins: see ThresholdOptions. averaging: see AveragingOptions.
    Raises ValueError for values that are not allowed.
    """

    def __init__(
        self,
        num_classes: int,
        distribution: ThresholdDistribution,
        by_error: bool,
        bins: int = 1024,
        **averaging: Unpack[AveragingOptions],
    ) -> None:
        super().__init__()
        check_distribution(distribution)
        most = 2 * TABLE_ELEMENTS // num_classes
        if not 16 <= bins <= most:
            raise ValueError(f"loss: bins is {bins}; allowed: 16..{most}, 1024 is accurate; set loss.bins")
        self.num_classes, self.distribution, self.by_error, self.bins = num_classes, distribution, by_error, bins
        self.average, self.memory = averages(num_classes, (2, 1, num_classes, bins), **averaging)
        self._grids: dict[tuple[int, torch.device], LogitGrid] = {}

    def forward(self, logits: Logits, target: Target) -> Scalar:
        with torch.no_grad(), ChunkPool(logits.device) as pool:
            check_inputs(logits, target, self.num_classes)  # here, as torch's own threads spin for a while after use
            sizes = self._sizes_of_ranks(target)
            few = sum(sizes) * self.num_classes <= SORTED_ELEMENTS and not self.memory.momentum
            grid = self._grid(SORTED_BINS if few else self._num_bins(target, sizes), logits.device)
            value, gradient, tensors = (
                self._by_sorting(logits, target, sizes) if few else self._by_counting(logits, target, grid, pool)
            )
        return _WithGradient.apply(logits, value, gradient, num_ranks(self.training), *tensors)

    def _by_counting(self, logits: Logits, target: Target, grid: LogitGrid, pool: ChunkPool) -> ValueAndGradient:
        histogram, places = count_pixels(logits, target, grid, self.by_error, self.average.per_image, pool)
        if not self.average.per_image:
            histogram = self.memory(sum_over_ranks(histogram, self.training))
        weight = self.average(histogram[TRUE].sum(-1))
        value = (weight * expected_loss(histogram, grid, self.by_error)).sum()
        value = _nan_if(places.log_total.isnan(), value)
        slopes = slopes_at_edges(histogram, weight, grid, self.by_error)
        value = sum_over_ranks(value, self.training and self.average.per_image)
        return value, partial(_gradient_by_counting, grid), (slopes, *places)

    def _by_sorting(self, logits: Logits, target: Target, sizes: Sequence[int]) -> ValueAndGradient:
        images = by_image(logits, target)
        groups, mine = (images, slice(None)) if self.average.per_image else join(images, sizes)
        num_true, loss, slope = loss_by_sorting(groups, self._grid(SORTED_BINS, groups.label.device), self.by_error)
        weight = self.average(num_true)
        value = _nan_if(images.class_logit.isnan(), (weight * loss).sum())
        slope = slope.mul_(weight[..., None])
        if not self.average.per_image:
            slope = slope[0, :, mine].unflatten(1, images.label.shape).movedim(1, 0)  # c (b pixel) -> b c pixel
        value = sum_over_ranks(value, self.training and self.average.per_image)
        return value, _gradient_by_sorting, (slope, *images)

    def _sizes_of_ranks(self, target: Target) -> list[int]:
        """Pixels of each rank, as far as it depends on them whether pixels are sorted or into how many bins they go."""
        if self.memory.momentum:
            return [target.numel()]
        if self.average.per_image:  # each rank may decide for itself
            return [target.numel()] * num_ranks(self.training)
        enough = 1 + max(SORTED_ELEMENTS // self.num_classes, BINS_TIMES_PIXELS // (self.bins + 1))
        return sizes_of_ranks(target.numel(), enough, target.device, self.training)

    def _num_bins(self, target: Target, sizes: Sequence[int]) -> int:
        if self.memory.momentum:
            return self.bins
        num_pixels = target.shape[1:].numel() if self.average.per_image else sum(sizes)
        return max(self.bins, min(BINS_TIMES_PIXELS // num_pixels, TABLE_ELEMENTS // self.num_classes))

    def _grid(self, num_bins: int, device: torch.device) -> LogitGrid:
        if (num_bins, device) not in self._grids:
            if len(self._grids) == MAX_GRIDS:
                self._grids.clear()
            negligible = 0.0 if num_bins == SORTED_BINS else NEGLIGIBLE
            self._grids[num_bins, device] = tabulate(self.distribution, num_bins, device, negligible)
        return self._grids[num_bins, device]


class _WithGradient(torch.autograd.Function):
    """A value whose gradient with respect to the logits is computed from tensors kept for the backward pass."""

    @staticmethod
    def forward(logits: Logits, value: Scalar, gradient: Gradient, ranks: int, *tensors: Tensor) -> Scalar:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Scalar) -> None:
        logits, _, ctx.gradient, ctx.ranks, *tensors = inputs
        ctx.save_for_backward(logits, *tensors)

    @staticmethod
    def backward(ctx: Any, scale: Scalar) -> tuple[Tensor | None, ...]:
        logits, *tensors = ctx.saved_tensors  # once: within gradient checkpointing there is no second time
        with torch.no_grad():
            gradient = ctx.gradient(logits, ctx.ranks * scale, *tensors)  # ranks: see global_sum
        if torch.is_grad_enabled():  # create_graph=True
            gradient = _OnceDifferentiable.apply(gradient, logits)
        return gradient, *[None] * (3 + len(tensors))


class _OnceDifferentiable(torch.autograd.Function):
    """A gradient that cannot be differentiated. torch's own once_differentiable lets it pass for a constant in sums."""

    @staticmethod
    def forward(gradient: Tensor, logits: Logits) -> Tensor:
        return gradient.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None: ...

    @staticmethod
    def backward(ctx: Any, *scale: Tensor) -> tuple[Tensor | None, ...]:
        raise NotImplementedError(
            "loss: the Lovász family has no second derivatives, as its gradient is looked up in tables; take another "
            "loss, or do not differentiate its gradient (create_graph=True, Hessians)"
        )


def _gradient_by_counting(
    grid: LogitGrid, logits: Logits, scale: Scalar, slopes: EdgeSlopes, *places: Tensor
) -> Logits:
    with ChunkPool(logits.device) as pool:  # first, for the reason given in forward
        return gradient_by_counting(logits, Places(*places), slopes * scale, grid, pool)


def _gradient_by_sorting(logits: Logits, scale: Scalar, slopes: Slopes, *images: Tensor) -> Logits:
    return gradient_by_sorting(logits, Groups(*images), slopes * scale)


def _nan_if(wrong: Tensor, value: Scalar) -> Scalar:
    return value.masked_fill(wrong.any(), math.nan)
