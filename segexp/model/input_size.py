"""The sizes of images that a network takes, found by trying: what networks say of themselves is sometimes wrong."""

from typing import NamedTuple

import torch
from torch import nn

from segexp.types import SMALLEST_SIDE

SMALLEST = (SMALLEST_SIDE, 64, 128, 256)


class InputSize(NamedTuple):
    """Height and width must be multiples of stride, and at least smallest."""

    stride: int
    smallest: int


def input_size(network: nn.Module, stride: int) -> InputSize:
    """Try a network in evaluation mode at sizes of which stride is the largest divisor, then at ever coarser ones.

    network: image [B, 3, H, W] -> logits [B, C, H, W].
    stride: what the network is said to need; the result is this, or 2 or 4 times as much.
    Raises ValueError saying what the network answered, if it takes none of them. This is so, too, for logits of another
    size than the image, such as those of smp's FPN with encoder_depth=4, which are twice as large.
    """
    answer = ""
    for smallest in SMALLEST:
        for multiple in (stride, 2 * stride, 4 * stride):
            height = -(-smallest // multiple) * multiple
            answer = _answer(network, height, height + multiple)
            if not answer:
                return InputSize(multiple, smallest)
    raise ValueError(
        f"model: the network accepts none of the image sizes that were tried, up to {height} x {height + multiple}: "
        f"{answer}; allowed: a network whose logits have the size of the image, at any size; if the logits are "
        "larger or smaller, set +model.upsampling; a vision transformer of timm needs +model.dynamic_img_size=true, a "
        "Swin transformer +model.strict_img_size=false"
    )


@torch.no_grad()
def _answer(network: nn.Module, height: int, width: int) -> str:
    """What is wrong at this size; an empty text if nothing is."""
    try:
        logits = network(torch.zeros(1, 3, height, width))
    except Exception as error:  # whatever a library comes across in the middle of a forward pass
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
    found = getattr(logits, "shape", (type(logits).__name__,))
    return "" if found[-2:] == (height, width) else f"its logits are {list(found)} for {height} x {width} pixels"
