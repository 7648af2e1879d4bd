"""A block that trains as several branches and predicts as one convolution gives the same features."""

import copy

import pytest
import torch
from torch import nn

from segexp.model.reparameterized import RepVGGBlock, merge_branches
from tests.model.options import OPTIONS, small_model

pytestmark = pytest.mark.fast


def trained(model: nn.Module) -> nn.Module:
    """With running statistics and scales as after a training: nowhere 0 or 1."""
    torch.manual_seed(0)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
            nn.init.normal_(norm.running_mean, std=0.1)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return model.eval()


@pytest.mark.parametrize(("num_outputs", "stride"), [(8, 1), (8, 2), (12, 1), (12, 2)])
@pytest.mark.parametrize("size", [(16, 16), (7, 9)])
def test_one_convolution_gives_what_the_branches_give(num_outputs: int, stride: int, size: tuple[int, int]) -> None:
    block = trained(RepVGGBlock(8, num_outputs, stride))
    features = torch.randn(2, 8, *size)
    merged = block.merged()
    assert [type(layer) for layer in merged] == [nn.Conv2d, nn.ReLU]
    torch.testing.assert_close(merged(features), block(features), rtol=1e-5, atol=1e-5)


def test_the_branches_are_those_of_the_paper() -> None:
    """A 3x3 and a 1x1 convolution, and the features themselves where nothing changes their shape; each normalised."""
    kinds = {name: [type(each) for each in module] for name, module in RepVGGBlock(8, 12).named_children()}
    assert kinds == {name: [nn.Conv2d, nn.BatchNorm2d] for name in ("large", "small")}
    assert isinstance(RepVGGBlock(8, 8).identity, nn.BatchNorm2d)
    assert RepVGGBlock(8, 8, stride=2).identity is None


@pytest.mark.parametrize("option", OPTIONS)
def test_logits_stay_when_branches_are_merged(option: str) -> None:
    model = trained(small_model(option, 5))
    image = torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8)
    expected, merged = model(image), copy.deepcopy(model)
    merge_branches(merged)
    assert not any(isinstance(module, RepVGGBlock) for module in merged.modules())
    torch.testing.assert_close(merged(image), expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())
