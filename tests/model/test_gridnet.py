"""GridNet against the published parameter counts and torch's own arithmetic."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from segexp.model.gridnet import Deconvolution, Residual, Upsampling, gridnet

PAPER: dict[str, Any] = {
    "num_classes": 19,
    "streams": (16, 32, 64, 128, 256),
    "num_columns_down": 3,
    "num_columns_up": 3,
    "total_dropout": 0.1,
}


@pytest.mark.parametrize(
    ("num_classes", "num_columns", "expected"),
    [(19, 3, 13_181_097), (8, 3, 13_176_774), (19, 1, 3_350_121), (19, 2, 8_265_609), (19, 4, 18_096_585)],
)
def test_parameters_are_those_of_the_authors_code(num_classes: int, num_columns: int, expected: int) -> None:
    columns = {"num_columns_down": num_columns, "num_columns_up": num_columns}
    model = gridnet(**(PAPER | {"num_classes": num_classes} | columns))
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_a_deconvolution_equals_the_transposed_convolution_of_the_same_seed() -> None:
    torch.manual_seed(0)
    layer = Deconvolution(8, 5)
    torch.manual_seed(0)
    reference = nn.ConvTranspose2d(8, 5, 3, padding=1)
    assert layer.state_dict().keys() == reference.state_dict().keys()
    assert all(torch.equal(layer.state_dict()[key], value) for key, value in reference.state_dict().items())

    image = torch.randn(2, 8, 7, 9)
    wanted = _output_and_gradients(reference.double(), image.double())
    for found, expected in zip(_output_and_gradients(layer, image), wanted, strict=True):
        assert (found - expected).norm() < 1e-6 * expected.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_deconvolution_keeps_channels_last_under_autocast(dtype: torch.dtype) -> None:
    layer = Deconvolution(8, 5).to(memory_format=torch.channels_last)
    features = torch.randn(2, 8, 7, 9).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        output = layer(features)
    assert output.dtype == dtype
    assert output.is_contiguous(memory_format=torch.channels_last)


def test_no_transposed_convolution_of_stride_1_is_left() -> None:
    calls: list[tuple[bool, list[int]]] = []

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, operator: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            if operator is torch.ops.aten.convolution.default:
                calls.append((arguments[6], arguments[3]))
            return operator(*arguments, **(keywords or {}))

    with Recorder():
        gridnet(5, (4, 8), 2, 2, 0.0)(torch.rand(1, 3, 32, 32))
    assert (True, [2, 2]) in calls
    assert (True, [1, 1]) not in calls


@pytest.mark.parametrize("size", [(9, 12), (10, 11)])
def test_upsampling_equals_a_transposed_convolution_with_an_output_size(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    upsampling = Upsampling(8, 4).eval()
    features = torch.randn(2, 8, 5, 6)
    *activation, transposed = upsampling.enlarge
    reference = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1)
    reference.load_state_dict(transposed.state_dict())
    expected = reference(nn.Sequential(*activation)(features), output_size=size)
    torch.testing.assert_close(upsampling(features, size), upsampling.refine(expected))


def _output_and_gradients(layer: nn.Module, image: Tensor) -> list[Tensor]:
    image = image.clone().requires_grad_()
    output = layer(image)
    output.square().sum().backward()
    return [output, image.grad, *(parameter.grad for parameter in layer.parameters())]


def test_total_dropout_drops_the_whole_branch_of_single_samples() -> None:
    torch.manual_seed(0)
    residual = Residual(nn.Identity(), total_dropout=0.25)
    joined = residual(torch.ones(4000, 2, 3, 3)).flatten(1)
    values, counts = joined.unique(return_counts=True)
    torch.testing.assert_close(values, torch.tensor([1.0, 1 + 1 / 0.75]))
    assert (joined == joined[:, :1]).all()
    assert counts[0] / counts.sum() == pytest.approx(0.25, abs=0.03)


def test_total_dropout_is_off_in_evaluation() -> None:
    residual = Residual(nn.Identity(), total_dropout=0.9).eval()
    assert (residual(torch.ones(100, 1, 2, 2)) == 2).all()


def test_training_differs_between_draws_and_repeats_with_the_seed() -> None:
    model = gridnet(5, (4, 8), 2, 2, total_dropout=0.5)
    image = torch.rand(4, 3, 32, 32)

    def logits(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return model(image)

    assert torch.equal(logits(0), logits(0))
    assert not torch.equal(logits(0), logits(1))


def test_features_of_every_stream_reach_the_exit() -> None:
    """A pixel sees as far as the coarsest stream lets it: one stream less must see less."""
    pixels_in_sight = {}
    for streams in [(4, 4), (4, 4, 4)]:
        torch.manual_seed(0)
        image = torch.rand(1, 3, 128, 128, requires_grad=True)
        gridnet(2, streams, 1, 1, 0.0).eval()(image)[0, :, 64, 64].sum().backward()
        assert image.grad is not None
        pixels_in_sight[streams] = int(image.grad.abs().sum((0, 1)).any(0).sum())
    assert pixels_in_sight[(4, 4)] < pixels_in_sight[(4, 4, 4)] < 128


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ({"streams": ()}, "streams"),
        ({"streams": (16, 0)}, "streams"),
        ({"num_columns_down": 0}, "num_columns_down is 0"),
        ({"num_columns_up": 0}, "num_columns_up is 0"),
        ({"total_dropout": 1.0}, "total_dropout is 1.0"),
    ],
)
def test_impossible_grids_are_named_in_the_error(override: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        gridnet(**(PAPER | override))
