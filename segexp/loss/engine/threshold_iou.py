"""The engine of the Lovász family: the Jaccard loss averaged over the distribution of a threshold, in linear time."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from segexp.loss.engine.averaging import AveragingOptions, averages
from segexp.loss.engine.chunks import ChunkPool, Scratch
from segexp.loss.engine.counting import (
    TABLE_ELEMENTS,
    TRUE,
    SlopeTables,
    count_pixels,
    expected_loss,
    look_up_slopes,
    tabulate_slopes,
)
from segexp.loss.engine.distribution import LogitGrid, ThresholdDistribution, check_distribution, tabulate
from segexp.loss.engine.one_vs_rest import Pixels, logit_gradient, one_vs_rest
from segexp.loss.engine.pixels import check_inputs
from segexp.loss.engine.reduction import num_ranks, sizes_of_ranks, sum_over_ranks
from segexp.loss.engine.sorting import by_image, join, loss_by_sorting
from segexp.types import Logits, Scalar, Target

SORTED_ELEMENTS = 2**18  # logits of the global batch up to which sorting is quick
SORTED_BINS = 2**16  # resolution of the distribution there
NEGLIGIBLE = 1e-5  # probability of the distribution left to the first and to the last bin
MAX_GRIDS = 16  # kept: batches may have ever other sizes, and so other numbers of bins
BINS_TIMES_PIXELS = 2**27  # from which on the errors that bins make about the order of pixels average out

Gradient = Callable[..., Tensor]
ValueAndGradient = tuple[Scalar, Gradient, tuple[Tensor, ...]]
"""A value, its gradient as a function of a factor and of tensors, and those tensors."""


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
            pixels = one_vs_rest(logits, target, grid.has_high_density or few, pool)
            value, gradient, tensors = self._by_sorting(pixels, sizes) if few else self._by_counting(pixels, grid, pool)
            value = value.masked_fill(pixels.true_logit.isnan().any(), math.nan)  # bins cannot hold logits that are NaN
        link = logits[:0].clone()  # in the graph of the logits, whose values it does not keep
        return _WithGradient.apply(logits, link, value, gradient, num_ranks(self.training), *tensors)

    def _by_counting(self, pixels: Pixels, grid: LogitGrid, pool: ChunkPool) -> ValueAndGradient:
        histogram = count_pixels(pixels, grid, self.by_error, self.average.per_image, pool)
        if not self.average.per_image:
            histogram = self.memory(sum_over_ranks(histogram, self.training))
        weight = self.average(histogram[TRUE].sum(-1))
        value = (weight * expected_loss(histogram, grid, self.by_error)).sum()
        tables = tabulate_slopes(histogram, weight, grid, self.by_error)
        gradient = partial(_gradient_from_tables, grid, self.by_error)
        return sum_over_ranks(value, self.training and self.average.per_image), gradient, (tables, *pixels)

    def _by_sorting(self, pixels: Pixels, sizes: Sequence[int]) -> ValueAndGradient:
        images = by_image(pixels)
        groups, mine = (images, slice(None)) if self.average.per_image else join(images, sizes)
        num_true, loss, slope = loss_by_sorting(groups, self._grid(SORTED_BINS, groups.label.device), self.by_error)
        weight = self.average(num_true)
        value = (weight * loss).sum()
        slope = slope.mul_(weight[..., None])
        if not self.average.per_image:
            slope = slope[0, :, mine].unflatten(1, images.label.shape).movedim(1, 0)  # c (b pixel) -> b c pixel
        return (
            sum_over_ranks(value, self.training and self.average.per_image),
            _gradient_from_slopes,
            (slope, pixels.class_logit),
        )

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
    """A value whose gradient with respect to the logits is computed from tensors kept for the backward pass.

    link: an empty part of the logits, by which whoever differentiates the gradient finds that it cannot be.
    """

    @staticmethod
    def forward(
        logits: Logits, link: Tensor, value: Scalar, gradient: Gradient, ranks: int, *tensors: Tensor
    ) -> Scalar:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Scalar) -> None:
        logits, link, _, ctx.gradient, ctx.ranks, *tensors = inputs
        ctx.save_for_backward(link, *tensors)
        ctx.shape, ctx.dtype = logits.shape, logits.dtype

    @staticmethod
    def backward(ctx: Any, scale: Scalar) -> tuple[Tensor | None, ...]:
        link, *tensors = ctx.saved_tensors  # once: within gradient checkpointing there is no second time
        with torch.no_grad():
            gradient = ctx.gradient(ctx.ranks * scale, *tensors).view(ctx.shape).to(ctx.dtype)  # ranks: see global_sum
        if torch.is_grad_enabled():  # create_graph=True
            gradient = _OnceDifferentiable.apply(gradient, link)
        return gradient, *[None] * (4 + len(tensors))


class _OnceDifferentiable(torch.autograd.Function):
    """A gradient that cannot be differentiated. torch's own once_differentiable lets it pass for a constant in sums."""

    @staticmethod
    def forward(gradient: Tensor, link: Tensor) -> Tensor:
        return gradient.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None: ...

    @staticmethod
    def backward(ctx: Any, *scale: Tensor) -> tuple[Tensor | None, ...]:
        raise NotImplementedError(
            "loss: the Lovász family has no second derivatives, as its gradient is looked up in tables; take another "
            "loss, or do not differentiate its gradient (create_graph=True, Hessians)"
        )


def _gradient_from_tables(
    grid: LogitGrid, by_error: bool, scale: Scalar, tables: SlopeTables, *pixel_tensors: Tensor
) -> Tensor:
    pixels = Pixels(*pixel_tensors)
    gradient = torch.empty_like(pixels.class_logit)

    def work(image: int, chunk: slice, scratch: Scratch) -> None:
        slope = look_up_slopes(pixels, image, chunk, scaled, grid, by_error, scratch)
        class_logit, out = pixels.class_logit[image, :, chunk], gradient[image, :, chunk]
        logit_gradient(class_logit, slope, grid.has_high_density, scratch[1], out=out)

    with ChunkPool(gradient.device) as pool:
        scaled = tables * scale
        pool.map(work, gradient)
    return gradient


def _gradient_from_slopes(scale: Scalar, slope: Tensor, class_logit: Tensor) -> Tensor:
    gradient, scaled = torch.empty_like(class_logit), slope * scale
    for each_logit, each_slope, out in zip(class_logit, scaled, gradient, strict=True):  # one image after the other
        logit_gradient(each_logit, each_slope, True, torch.empty_like(each_logit), out=out)
    return gradient
