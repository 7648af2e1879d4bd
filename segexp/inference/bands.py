"""Logits at a coarser size -> class ids and confidence at the image's size, in bands of rows that stay in the cache."""

from collections.abc import Iterator

import torch
from torch import Tensor

from segexp.inference.cells import cell_factors, prediction_by_cells
from segexp.metric.confusion import prediction, resize_logits
from segexp.types import Logits, Size, Target

BAND_BYTES = 2 * 2**20
"""Of the logits of a band, about the second-level cache of a core."""


def resized_prediction(logits: Logits, size: Size) -> Target:
    """Class ids uint8 [B, *size] of logits [B, C, h, w] of any precision: those of the logits resized in float32.

    On a CPU no map [B, C, *size] is made where size is an even multiple of h and w, see `prediction_by_cells`, or as
    many times h as a power of two says: only there do rows of a band have the same fractions between rows of the logits
    as they have in the whole, bit for bit.
    """
    if tuple(logits.shape[-2:]) == size:
        return prediction(logits)
    if logits.device.type == "cpu" and (factors := cell_factors(logits, size)):
        return prediction_by_cells(logits, factors)
    if not (factor := _factor(logits, size)):
        return prediction(resize_logits(logits.float(), size))
    class_ids = torch.empty(logits.shape[0], *size, dtype=torch.uint8)
    for rows, band in _bands(logits, size, factor):
        class_ids[:, rows] = prediction(band)
    return class_ids


def resized_confidence(logits: Logits, size: Size) -> tuple[Target, Tensor]:
    """The class ids of `resized_prediction`, and the probability of each, float32 [B, *size]."""
    class_ids = torch.empty(logits.shape[0], *size, dtype=torch.uint8, device=logits.device)
    confidence = torch.empty(class_ids.shape, device=logits.device)
    for rows, band in _all_bands(logits, size):
        most_likely = band.max(dim=1)  # as `prediction` chooses
        class_ids[:, rows] = most_likely.indices
        confidence[:, rows] = (most_likely.values - band.logsumexp(dim=1)).exp_()
    return class_ids, confidence


def _all_bands(logits: Logits, size: Size) -> Iterator[tuple[slice, Tensor]]:
    """As `_bands`, of any logits, with a map of the whole where that cannot be avoided."""
    if factor := _factor(logits, size):
        yield from _bands(logits, size, factor)
        return
    whole = resize_logits(logits.float(), size)
    step = max(1, BAND_BYTES // (4 * whole[:, :, 0].numel()))
    for start in range(0, size[0], step):
        yield slice(start, start + step), whole[..., start : start + step, :]


def _factor(logits: Logits, size: Size) -> int:
    """Rows of that size for one row of the logits; 0 where bands would not give the bits of the whole."""
    factor, rest = divmod(size[0], logits.shape[-2])
    return 0 if logits.device.type != "cpu" or rest or factor & (factor - 1) else factor


def _bands(logits: Tensor, size: Size, factor: int) -> Iterator[tuple[slice, Tensor]]:
    """Rows, and logits at those rows [B, C, rows, width]; each made from its own rows and those next to them."""
    batch, num_classes, height, _ = logits.shape
    step = max(1, BAND_BYTES // (4 * batch * num_classes * factor * size[1]))
    for start in range(0, height, step):
        stop = min(start + step, height)
        above, below = max(start - 1, 0), min(stop + 1, height)
        resized = resize_logits(logits[..., above:below, :].float(), (factor * (below - above), size[1]))
        first = factor * (start - above)
        yield slice(factor * start, factor * stop), resized[..., first : first + factor * (stop - start), :]
