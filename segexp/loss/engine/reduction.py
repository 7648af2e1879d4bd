"""Sums over ranks, so that a loss is that of the global batch."""

import torch
from torch import Tensor, distributed

from segexp.types import Scalar


def num_ranks(training: bool) -> int:
    """Return over how many ranks the batch of this step is spread.

    Outside training it is 1: in evaluation ranks may hold different numbers of batches, and a rank that waited for
    another would wait for ever.
    """
    if training and distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def sum_over_ranks(local: Tensor, training: bool) -> Tensor:
    """Sum a tensor over all ranks, without gradient."""
    if num_ranks(training) == 1:
        return local.detach()
    total = local.detach().clone()
    distributed.all_reduce(total)
    return total


def global_sum(local: Tensor, training: bool) -> Tensor:
    """Sum a tensor over all ranks, with the gradient of this rank's share in it.

    DistributedDataParallel averages gradients over ranks; the gradient of each share is multiplied by their number, so
    that the average is the gradient of the global batch, whatever is computed from the sum.
    """
    ranks = num_ranks(training)
    return local if ranks == 1 else sum_over_ranks(local, training) + ranks * (local - local.detach())


def global_mean(numerator: Scalar, denominator: Scalar, training: bool) -> Scalar:
    """Divide the sum of numerators over all ranks by the sum of denominators; 0 if there is nothing to divide by.

    numerator: sum over this rank's pixels, with gradient. denominator: sum of their weights, >= 0.
    """
    total, weight = global_sum(torch.stack([numerator, denominator.to(numerator)]), training)
    return total / torch.where(weight > 0, weight, 1)
