"""Depthwise convolutions under autocast against float64 and torch's own."""

import pytest
import torch
from torch import Tensor, nn

from segexp.model.depthwise import DepthwiseConvolution, speed_up_depthwise
from segexp.model.smp import smp

CASES = [(5, 1), (5, 2), (3, 2)]


def depthwise(kernel: int, stride: int) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(16, 16, kernel, stride, kernel // 2, groups=16, bias=False)


def output_and_gradients(layer: nn.Module, features: Tensor) -> list[Tensor]:
    features = features.clone().requires_grad_()
    output = layer(features)
    output.double().square().sum().backward()
    return [output, features.grad, layer.weight.grad]


@pytest.mark.parametrize(("kernel", "stride"), CASES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_outputs_and_gradients_are_close_to_float64(
    kernel: int, stride: int, memory_format: torch.memory_format
) -> None:
    layer, reference = depthwise(kernel, stride).to(memory_format=memory_format), depthwise(kernel, stride).double()
    speed_up_depthwise(layer)
    assert isinstance(layer, DepthwiseConvolution)
    features = torch.randn(2, 16, 13, 18).contiguous(memory_format=memory_format)
    with torch.autocast("cpu", torch.bfloat16):
        result = output_and_gradients(layer, features)
    assert result[0].dtype == torch.bfloat16
    assert result[0].is_contiguous(memory_format=memory_format)
    for found, expected in zip(result, output_and_gradients(reference, features.double()), strict=True):
        assert (found - expected).norm() < 0.01 * expected.norm()  # bfloat16 keeps 8 bits


@pytest.mark.parametrize(("kernel", "stride"), CASES)
def test_float32_has_the_same_bits(kernel: int, stride: int) -> None:
    layer, features = depthwise(kernel, stride), torch.randn(2, 16, 13, 18)
    speed_up_depthwise(layer)
    for found, expected in zip(
        output_and_gradients(layer, features), output_and_gradients(depthwise(kernel, stride), features), strict=True
    ):
        assert torch.equal(found, expected)


def test_features_are_stored_in_half_precision() -> None:
    layer = depthwise(5, 2)
    speed_up_depthwise(layer)
    stored: list[Tensor] = []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda tensor: stored.append(tensor) or tensor, lambda kept: kept)
    with torch.autocast("cpu", torch.bfloat16), hooks:
        layer(torch.randn(2, 16, 13, 18, dtype=torch.bfloat16, requires_grad=True))
    assert {tensor.dtype for tensor in stored if tensor is not layer.weight} == {torch.bfloat16}


@pytest.mark.parametrize(("kernel", "stride"), CASES)
def test_second_derivatives_are_close_to_float64(kernel: int, stride: int) -> None:
    """As a penalty of gradients takes them, beside other terms."""
    found, wanted = (second_derivative(kernel, stride, is_fast) for is_fast in (True, False))
    assert (found - wanted).norm() < 0.01 * wanted.norm()  # bfloat16 keeps 8 bits


def second_derivative(kernel: int, stride: int, is_fast: bool) -> Tensor:
    layer = depthwise(kernel, stride) if is_fast else depthwise(kernel, stride).double()
    features = torch.linspace(-1, 1, 2 * 16 * 13 * 18, dtype=layer.weight.dtype).view(2, 16, 13, 18).requires_grad_()
    if is_fast:
        speed_up_depthwise(layer)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_fast):
        value = layer(features).double().square().sum()
    (gradient,) = torch.autograd.grad(value, features, create_graph=True)
    (gradient.double().square().sum() + value).backward()
    return layer.weight.grad


def test_other_convolutions_stay_as_they_are() -> None:
    others = [nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.Conv2d(16, 16, 5, stride=2, bias=False)]
    others.append(nn.Conv2d(16, 16, 5, groups=4, bias=False))
    for layer in others:
        speed_up_depthwise(layer)
        assert type(layer) is nn.Conv2d


def test_an_encoder_of_depthwise_convolutions_has_them() -> None:
    network = smp(3, "Unet", "tu-efficientnet_lite0", None)
    assert sum(isinstance(module, DepthwiseConvolution) for module in network.modules()) == 11
