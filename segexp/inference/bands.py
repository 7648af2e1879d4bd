"""Logits at a coarser size -> class ids at the image's size, in bands of rows that stay in the cache."""

from collections.abc import Iterator

import torch
from torch import Tensor

from segexp.metric.confusion import prediction, resize_logits
from segexp.types import Logits, Size, Target

BAND_BYTES = 2 * 2**20
"""Of the logits of a band, about the second-level cache of a core."""


def resized_prediction(logits: Logits, size: Size) -> Target:
    """Class ids uint8 [B, *size] of logits [B, C, h, w] of any precision: those of the logits resized in float32.

    On a CPU no map [B, C, *size] is made where size is as many times h as a power of two says: only there do rows of a
    band have the same fractions between rows of the logits as they have in the whole, bit for bit.
    """
    if tuple(logits.shape[-2:]) == size:
        return prediction(logits)
    factor, rest = divmod(size[0], logits.shape[-2])
    if logits.device.type != "cpu" or rest or factor & (factor - 1):
        return prediction(resize_logits(logits.float(), size))
    class_ids = torch.empty(logits.shape[0], *size, dtype=torch.uint8)
    for rows, band in _bands(logits, size, factor):
        class_ids[:, rows] = prediction(band)
    return class_ids


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
