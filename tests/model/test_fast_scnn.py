"""Fast-SCNN against the tables of its paper, and its pyramid pooling against the definition."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.fast_scnn import PyramidPooling, fast_scnn
from segexp.model.segmenter import Segmenter
from tests.model.options import small_model


@pytest.fixture(scope="module")
def published() -> Segmenter:
    """Without weights and auxiliary heads, for the 19 classes of Cityscapes."""
    with torch.device("meta"):
        model = fast_scnn(19, 0.1).eval()
    drop_auxiliary_heads(model)
    return model


def test_weights_of_the_convolutions_are_as_many_as_in_the_paper(published) -> None:
    """1.11 M in its comparison on Cityscapes; the scales and shifts of batch norm, 2 % more, are not in that figure."""
    convolutions = [layer for layer in published.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in published.modules() if isinstance(layer, nn.BatchNorm2d)]
    count = sum(each.numel() for layer in convolutions for each in layer.parameters())
    assert count == pytest.approx(1.11e6, abs=0.005e6)
    further = sum(each.numel() for layer in norms for each in layer.parameters())
    assert sum(each.numel() for each in published.parameters()) == count + further


def test_modules_have_the_sizes_and_channels_of_table_1(published) -> None:
    network = published.network
    expected = {
        "details.2": (32, 512, 1024),
        "details.7": (48, 256, 512),
        "details": (64, 128, 256),
        "deep.0": (64, 64, 128),
        "deep.1": (96, 32, 64),
        "deep.2": (128, 32, 64),
        "context": (128, 32, 64),
        "fusion": (128, 128, 256),
        "classifier": (19, 128, 256),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda layer, inputs, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
        for name in expected
    ]
    network(torch.empty(1, 3, 1024, 2048, device="meta"))
    for hook in hooks:
        hook.remove()
    assert shapes == expected


@torch.no_grad()
def test_pyramid_pooling_joins_the_features_with_the_means_of_their_parts() -> None:
    torch.manual_seed(0)
    module = PyramidPooling(8, 6).eval()
    features = torch.randn(2, 8, 12, 18)
    joined = [features]
    for bins, level in zip((1, 2, 3, 6), module.levels, strict=True):
        height, width = 12 // bins, 18 // bins
        parts = features.unflatten(3, (bins, width)).unflatten(2, (bins, height)).mean((3, 5))
        joined.append(F.interpolate(level[1:](parts), size=(12, 18), mode="bilinear"))
    torch.testing.assert_close(module(features), module.join(torch.cat(joined, 1)))


def test_auxiliary_logits_are_those_of_the_details_and_of_the_pooled_features() -> None:
    network = small_model("fast_scnn", 5).network.train()
    heads = network.get_submodule("auxiliary_heads").eval()  # without dropout
    seen: list[Tensor] = []
    for name in ("details", "context"):
        network.get_submodule(name).register_forward_hook(lambda layer, inputs, output: seen.append(output))
    auxiliary = network(torch.rand(2, 3, 64, 96)).auxiliary
    assert [tuple(each.shape) for each in auxiliary] == [(2, 5, 8, 12), (2, 5, 2, 3)]
    torch.testing.assert_close(auxiliary, [head(each) for head, each in zip(heads, seen, strict=True)])
