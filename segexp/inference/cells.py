"""Class ids of logits that are enlarged bilinearly, computed only where the class can change."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from segexp.metric.confusion import prediction
from segexp.types import Logits, Size, Target

CHUNK_ELEMENTS = 2**19
"""Of enlarged logits at a time, which stay in the caches."""


def cell_factors(logits: Logits, size: Size) -> Size | None:
    """How many times larger than the logits that size is, each way; None unless both are even numbers."""
    height, width = logits.shape[-2:]
    factors = size[0] // height, size[1] // width
    is_multiple = size == (factors[0] * height, factors[1] * width)
    return factors if is_multiple and all(factor and factor % 2 == 0 for factor in factors) else None


def prediction_by_cells(logits: Logits, factors: Size) -> Target:
    """Class ids uint8 [B, rows * h, columns * w] of logits [B, C, h, w] enlarged by even factors (rows, columns).

    Those of the logits that `torch.nn.functional.interpolate` gives (bilinear, corners not aligned), but for rounding
    where two classes are equally likely. Between four neighbours an enlarged logit is a mean of theirs, so a class that
    is the most likely one at all four is so between them: only the other cells are interpolated.
    """
    padded = F.pad(logits.float(), (1, 1, 1, 1), mode="replicate")
    corners = prediction(padded)
    first = corners[:, :-1, :-1]
    others = (corners[:, :-1, 1:], corners[:, 1:, :-1], corners[:, 1:, 1:])
    is_mixed = torch.stack([first != other for other in others]).any(0)
    rows, columns = factors
    class_ids = first.repeat_interleave(rows, 1).repeat_interleave(columns, 2)
    by_cell = class_ids.unflatten(2, (-1, columns)).unflatten(
        1, (-1, rows)
    )  # b row_of_cells row column_of_cells column
    step = max(1, CHUNK_ELEMENTS // (logits.shape[1] * rows * columns))
    for image, row, column in zip(*(each.split(step) for each in is_mixed.nonzero(as_tuple=True)), strict=True):
        by_cell[image, row, :, column] = _most_likely(_corners_of(padded, image, row, column), factors)
    return class_ids[:, rows // 2 : -(rows // 2), columns // 2 : -(columns // 2)]


def _corners_of(logits: Logits, image: Tensor, row: Tensor, column: Tensor) -> list[Tensor]:
    """Logits [C, cell] at the corners of some cells: upper left, upper right, lower left, lower right."""
    by_class = logits.movedim(1, 0)
    return [by_class[:, image, row + down, column + right] for down in (0, 1) for right in (0, 1)]


def _most_likely(corners: Sequence[Tensor], factors: Size) -> Tensor:
    """Class ids uint8 [cell, rows, columns] of the logits between corners. Cells lie in memory last, to be fast."""
    rows, columns = (((torch.arange(factor) + 0.5) / factor)[:, None, None] for factor in factors)
    upper_left, upper_right, lower_left, lower_right = corners
    upper = torch.lerp(upper_left, upper_right, columns)  # column c cell
    lower = torch.lerp(lower_left, lower_right, columns)
    between = torch.lerp(upper, lower, rows[..., None])  # row column c cell
    return between.max(dim=2).indices.to(torch.uint8).movedim(-1, 0)
