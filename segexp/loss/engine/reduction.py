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


def sizes_of_ranks(size: int, enough: int, device: torch.device, training: bool) -> list[int]:
    """Return a size of each rank, by which all ranks then decide alike; all of them call this together.

    enough: a size with which a rank decides as with any larger one. It then gets its own size only, so that the host
    need not wait for the device.
    """
    ranks = num_ranks(training)
    if ranks == 1:
        return [size]
    sizes = torch.zeros(ranks, dtype=torch.int64, device=device)
    sizes[distributed.get_rank()] = size
    distributed.all_reduce(sizes)
    return [size] if size >= enough else sizes.tolist()


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
