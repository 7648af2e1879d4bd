"""Residual blocks against torchvision's ResNet."""

import pytest
import torch
from torchvision.models.resnet import BasicBlock, Bottleneck

from segexp.model.residual import Residual, basic, bottleneck


def projection(num_inputs: int, num_outputs: int, stride: int) -> torch.nn.Sequential:
    convolution = torch.nn.Conv2d(num_inputs, num_outputs, 1, stride, bias=False)
    return torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(num_outputs))


def check_same(block: Residual, theirs: torch.nn.Module, num_inputs: int) -> None:
    """Both have parameters in the order of their layers; torchvision's block ends in a ReLU."""
    state = dict(zip(block.state_dict(), theirs.state_dict().values(), strict=True))
    block.load_state_dict(state)
    features = torch.randn(2, num_inputs, 9, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(features).relu(), theirs(features))


@pytest.mark.parametrize(("num_outputs", "stride"), [(8, 1), (16, 1), (16, 2)])
def test_the_basic_block_is_that_of_torchvision(num_outputs: int, stride: int) -> None:
    shortcut = projection(8, num_outputs, stride) if num_outputs != 8 else None
    check_same(basic(8, num_outputs, stride), BasicBlock(8, num_outputs, stride, shortcut), 8)


class Doubling(Bottleneck):
    """With twice its inner channels, not four times."""

    expansion = 2


@pytest.mark.parametrize("stride", [1, 2])
def test_the_bottleneck_is_that_of_torchvision_but_for_its_channels(stride: int) -> None:
    check_same(bottleneck(8, 8, stride), Doubling(8, 8, stride, projection(8, 16, stride)), 8)
