"""A network as it was trained -> the same network as programs run it: in the arithmetic that is fastest on a device."""

import torch
from torch import nn

from segexp.inference.fold import fold_batch_norm
from segexp.inference.settings import InferenceSettings
from segexp.model.depthwise import DepthwiseConvolution
from segexp.model.gridnet import Deconvolution
from segexp.model.segmenter import Segmenter
from segexp.system.arithmetic import Arithmetic, decide, use_memory_format
from segexp.types import Image, Logits, Size

CAST_ONCE = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, Deconvolution, DepthwiseConvolution)
"""Layers that autocast runs in half precision. Others derived from them may use their weights otherwise."""


class ReadyNetwork(nn.Module):
    """network: image -> logits, in evaluation mode, on the CPU. It is changed, and of no other use afterwards.

    What no image must wait for is done here, once: batch norm is folded into convolutions, and weights are brought to
    the memory format and the precision. In inference mode autocast would cast every weight at every call.
    In float32 and the plain format the network computes the bits that it computed in its training's validation.
    """

    def __init__(self, network: nn.Module, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        if (arithmetic.precision, arithmetic.memory_format) != ("float32", "contiguous"):
            fold_batch_norm(network)
        use_memory_format(network, arithmetic.memory_format)
        self.arithmetic = arithmetic
        for layer in network.modules():
            if type(layer) in CAST_ONCE:
                layer.to(arithmetic.dtype)

    def forward(self, image: Image) -> Logits:
        """Logits in the precision of the network."""
        with self._autocast(image):
            return self.network(image.contiguous(memory_format=self.arithmetic.layout))

    def coarse(self, image: Image) -> tuple[Logits, Size]:
        """Logits before they are enlarged, and the height and width to enlarge them to, see `Segmenter.coarse`."""
        if not isinstance(self.network, Segmenter):
            return self(image), (image.shape[-2], image.shape[-1])
        with self._autocast(image):
            return self.network.coarse(image.contiguous(memory_format=self.arithmetic.layout))

    def _autocast(self, image: Image) -> torch.autocast:
        enabled = self.arithmetic.precision != "float32"
        return torch.autocast(image.device.type, self.arithmetic.dtype, enabled=enabled)


def arithmetic_on(device: torch.device, settings: InferenceSettings) -> Arithmetic:
    """The arithmetic that was asked for, or the fastest on this device."""
    return decide(settings.precision, settings.memory_format, device)
