"""Adaptive average pooling that ONNX can hold for images of any size."""

from collections.abc import Sequence

import torch
from torch import Tensor


def adaptive_average_pooling(features: Tensor, output_size: Sequence[int]) -> Tensor:
    """Compute what torch's adaptive_avg_pool2d does, features [B, C, H, W] -> [B, C, *output_size].

    ONNX has no such operator, and the exporter's own replacement has the cells of the image it saw built in. As the
    mean over a cell is linear, it is a product with a matrix on either side, made from whatever H and W are.
    """
    height, width = features.shape[-2:]
    rows, columns = (_cell_means(*each, features) for each in zip((height, width), output_size, strict=True))
    return rows @ features @ columns.T


def _cell_means(length: int, num_cells: int, like: Tensor) -> Tensor:
    """Weigh each position in the mean of each cell, [num_cells, length]; cells overlap where length is no multiple."""
    cell = torch.arange(num_cells, device=like.device)[:, None]
    position = torch.arange(length, device=like.device)
    first, last = cell * length // num_cells, ((cell + 1) * length + num_cells - 1) // num_cells
    is_inside = ((position >= first) & (position < last)).to(like.dtype)
    return is_inside / is_inside.sum(1, keepdim=True)
