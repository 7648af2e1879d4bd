"""Sliding windows: a network sees an image in overlapping windows, whose results are added up with weights."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from segexp.types import Size

AxisWindows = list[tuple[slice, Tensor]]


def axis_windows(length: int, window: int, stride: int, blending: str) -> AxisWindows:
    """Place the windows along one axis: each with the weight of its pixels [window]; the last ends with the image."""
    window = min(window, length)
    starts = [*range(0, length - window, stride), length - window]
    return [
        (slice(start, start + window), _weight(window, stride, blending, start == 0, start + window == length))
        for start in starts
    ]


def windows(size: Sequence[int], window: Size, stride: Size, blending: str) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield rows, columns and weight [h, w] of each window of an image; the weights at each pixel add up to 1."""
    rows, columns = (axis_windows(*each, blending) for each in zip(size, window, stride, strict=True))
    row_total, column_total = (_total(axis, length) for axis, length in zip((rows, columns), size, strict=True))
    for row, row_weight in rows:
        for column, column_weight in columns:
            yield row, column, torch.outer(row_weight / row_total[row], column_weight / column_total[column])


def _weight(window: int, stride: int, blending: str, is_first: bool, is_last: bool) -> Tensor:
    if blending == "gaussian":
        distance = torch.arange(window) - (window - 1) / 2
        return (-0.5 * (distance / (window / 8)) ** 2).exp().clamp_min(1e-3)  # sigma as in Isensee et al. 2021, nnU-Net
    weight = torch.ones(window)
    margin = (window - stride) // 2 if blending == "trimmed" else 0
    weight[: 0 if is_first else margin] = 0
    weight[window if is_last else window - margin :] = 0
    return weight


def _total(axis: AxisWindows, length: int) -> Tensor:
    total = torch.zeros(length)
    for place, weight in axis:
        total[place] += weight
    return total
