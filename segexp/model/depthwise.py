"""Depthwise convolutions that train fast in half precision on a CPU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pair = tuple[int, int]


def speed_up_depthwise(network: nn.Module) -> None:
    """Let depthwise convolutions of a large kernel or a stride be `DepthwiseConvolution`; weights and keys stay."""
    for module in network.modules():
        if type(module) is nn.Conv2d and _is_slow(module):
            module.__class__ = DepthwiseConvolution


def _is_slow(layer: nn.Conv2d) -> bool:
    """Whether oneDNN differentiates it in bfloat16 as if channels were not apart, several times slower."""
    is_depthwise = layer.groups == layer.in_channels == layer.out_channels > 1
    is_plain = layer.bias is None and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return is_depthwise and is_plain and (max(layer.kernel_size) > 3 or max(layer.stride) > 1)


class DepthwiseConvolution(nn.Conv2d):
    """A convolution [B, C, H, W] of each channel by itself; under autocast on a CPU its gradients are float32's.

    Features are stored in half precision all the same, and only the backward pass makes a float32 copy of them.
    """

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type == "cpu" and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled():
            features = features.to(torch.get_autocast_dtype("cpu"))
            return _Depthwise.apply(features, self.weight, self.stride, self.padding, self.dilation)
        return super().forward(features)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, features: Tensor, weight: Tensor, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
        context.save_for_backward(features, weight)
        context.sizes = stride, padding, dilation
        return F.conv2d(features, weight.to(features.dtype), None, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, weight = context.saved_tensors
        of_features, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient.float(),
            features.float(),
            weight.float(),
            None,
            *context.sizes,
            False,
            [0, 0],
            len(weight),
            [*context.needs_input_grad[:2], False],
        )
        features_gradient = of_features.to(features.dtype) if of_features is not None else None
        return features_gradient, of_weight, None, None, None
