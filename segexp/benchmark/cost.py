"""Costs of a network that are the same on any machine: parameters and operations."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def num_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def num_flops(network: nn.Module, size: Sequence[int]) -> int:
    """Floating point operations of convolutions and matrix products for one image; a multiply-add counts as 2.

    size: [height, width] of the image. The network is moved to torch's meta device, where nothing is computed: any size
    takes a moment and no memory. Other layers (norms, activations, pooling) are not counted.
    """
    image = torch.empty(1, 3, *size, dtype=torch.uint8, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.to("meta").eval()(image)
    return counter.get_total_flops()
