"""Residual blocks, and convolutions with their batch norm before or after them, as DDRNet and PIDNet are made of."""

import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST = 72
"""Sides with which features at stride 64 are two pixels wide: one pixel is too little for a batch norm in training."""


class Residual(nn.Module):
    """Features [B, C, H, W] plus what a branch makes of them; no ReLU follows the sum.

    Where the branch changes channels or halves the resolution, a 1x1 convolution does the same with the features.
    Source: He et al. 2016, arXiv:1512.03385.
    """

    def __init__(self, branch: nn.Module, num_inputs: int, num_outputs: int, stride: int) -> None:
        super().__init__()
        same = stride == 1 and num_inputs == num_outputs
        self.branch = branch
        self.shortcut = nn.Identity() if same else conv_norm(num_inputs, num_outputs, 1, stride)

    def forward(self, features: Tensor) -> Tensor:
        return self.branch(features) + self.shortcut(features)


def basic(num_inputs: int, num_outputs: int, stride: int = 1) -> Residual:
    """Build a residual block of two 3x3 convolutions."""
    branch = nn.Sequential(
        *conv_norm(num_inputs, num_outputs, 3, stride), nn.ReLU(inplace=True), *conv_norm(num_outputs, num_outputs, 3)
    )
    return Residual(branch, num_inputs, num_outputs, stride)


def bottleneck(num_inputs: int, num_inner: int, stride: int = 1) -> Residual:
    """Build a residual block of 1x1, 3x3 and 1x1 convolutions with 2 num_inner output channels."""
    branch = nn.Sequential(
        *conv_norm(num_inputs, num_inner, 1),
        nn.ReLU(inplace=True),
        *conv_norm(num_inner, num_inner, 3, stride),
        nn.ReLU(inplace=True),
        *conv_norm(num_inner, 2 * num_inner, 1),
    )
    return Residual(branch, num_inputs, 2 * num_inner, stride)


def stage(num_inputs: int, num_outputs: int, num_blocks: int, stride: int = 1) -> nn.Sequential:
    """Build basic blocks, the first of them with the stride, with a ReLU between two but none after the last."""
    layers: list[nn.Module] = [basic(num_inputs, num_outputs, stride)]
    for _ in range(num_blocks - 1):
        layers += [nn.ReLU(inplace=True), basic(num_outputs, num_outputs)]
    return nn.Sequential(*layers)


def stem(width: int) -> nn.Sequential:
    """Build the first layers of both networks: image [B, 3, H, W] -> features [B, 2 width, H/8, W/8], rounded up."""
    return nn.Sequential(
        *conv_norm(3, width, 3, 2),
        nn.ReLU(inplace=True),
        *conv_norm(width, width, 3, 2),
        nn.ReLU(inplace=True),
        stage(width, width, 2),
        nn.ReLU(inplace=True),
        stage(width, 2 * width, 2, stride=2),
        nn.ReLU(inplace=True),
    )


def head(num_features: int, num_inner: int, num_outputs: int) -> nn.Sequential:
    """Build what turns features [B, num_features, H, W] into logits [B, num_outputs, H, W]."""
    return nn.Sequential(
        *norm_conv(num_features, num_inner, 3),
        nn.BatchNorm2d(num_inner),
        nn.ReLU(inplace=True),
        nn.Conv2d(num_inner, num_outputs, 1),
    )


def conv_norm(num_inputs: int, num_outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Build a convolution of size x size and its batch norm."""
    convolution = nn.Conv2d(num_inputs, num_outputs, size, stride, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(num_outputs))


def norm_conv(num_inputs: int, num_outputs: int, size: int, groups: int = 1) -> nn.Sequential:
    """Build a batch norm, a ReLU and a convolution of size x size."""
    convolution = nn.Conv2d(num_inputs, num_outputs, size, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(nn.BatchNorm2d(num_inputs), nn.ReLU(inplace=True), convolution)


def enlarge(features: Tensor, like: Tensor) -> Tensor:
    """Bring features [B, C, h, w] to the height and width of others."""
    return F.interpolate(features, size=like.shape[-2:], mode="bilinear")
