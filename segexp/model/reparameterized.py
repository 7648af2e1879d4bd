"""Convolutions that train as a sum of several branches and predict as one: structural re-parameterisation."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


class RepVGGBlock(nn.Module):
    """ReLU of the sum of a 3x3 and a 1x1 convolution and, where shapes allow, the features themselves, each normalised.

    [B, num_inputs, H, W] -> [B, num_outputs, H, W], half the height and width (rounded up) with stride 2.
    `merge_branches` makes it one 3x3 convolution. Source: Ding et al. 2021, arXiv:2101.03697, figure 4.
    """

    def __init__(self, num_inputs: int, num_outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.large = _normalised(nn.Conv2d(num_inputs, num_outputs, 3, stride, padding=1, bias=False))
        self.small = _normalised(nn.Conv2d(num_inputs, num_outputs, 1, bias=False))
        self.stride = stride
        self.identity = nn.BatchNorm2d(num_inputs) if num_inputs == num_outputs and stride == 1 else None

    def forward(self, features: Tensor) -> Tensor:
        # Picked before: some strided 1x1 convolutions crash in oneDNN 3.12.
        picked = features[..., :: self.stride, :: self.stride]
        total = self.large(features) + self.small(picked)
        return F.relu(total if self.identity is None else total + self.identity(features), inplace=True)

    @torch.no_grad()
    def merged(self) -> nn.Sequential:
        """Build the one convolution and the ReLU that give what this block gives in evaluation mode."""
        layer, norm = cast("tuple[nn.Conv2d, nn.BatchNorm2d]", (self.large[0], self.large[1]))
        weight, bias = _folded(layer.weight, norm)
        weight_small, bias_small = _folded(
            cast("nn.Conv2d", self.small[0]).weight, cast("nn.BatchNorm2d", self.small[1])
        )
        weight, bias = weight + F.pad(weight_small, [1, 1, 1, 1]), bias + bias_small
        if self.identity is not None:
            itself = torch.eye(len(weight), dtype=weight.dtype, device=weight.device)[:, :, None, None]
            weight_itself, bias_itself = _folded(F.pad(itself, [1, 1, 1, 1]), self.identity)
            weight, bias = weight + weight_itself, bias + bias_itself
        one = nn.Conv2d(layer.in_channels, layer.out_channels, 3, layer.stride[0], padding=1)
        one.weight, one.bias = nn.Parameter(weight), nn.Parameter(bias)
        return nn.Sequential(one, nn.ReLU(inplace=True)).eval()


def merge_branches(model: nn.Module) -> None:
    """Put one convolution in the place of each block of a model in evaluation mode that will only predict."""
    for name, module in list(model.named_modules()):
        if isinstance(module, RepVGGBlock):
            model.set_submodule(name, module.merged())


def _normalised(layer: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels))


def _folded(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution without bias and the batch norm behind it as one."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return fuse_conv_bn_weights(weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
