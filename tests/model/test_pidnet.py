"""PIDNet against the figures of its paper, and its parts against their definitions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.pidnet import BoundaryFusion, DetailAttention, pidnet
from segexp.model.pyramid_pooling import PAPPM
from segexp.model.segmenter import Segmenter
from tests.model.options import small_model


def published() -> Segmenter:
    """PIDNet-S without weights and auxiliary heads, for the 19 classes of Cityscapes."""
    with torch.device("meta"):
        model = pidnet(19, 32, 96, 128).eval()
    drop_auxiliary_heads(model)
    return model


def test_parameters_and_multiply_adds_are_those_of_the_paper() -> None:
    """Its comparison on Cityscapes: 7.6 M and 47.6 G at 1024x2048; here only those of convolutions are counted."""
    model = published()
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(7.6e6, abs=0.05e6)
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 1024, 2048, device="meta"))
    assert 0.99 * 47.6 < counter.get_total_flops() / 2e9 < 47.6


def test_branches_have_the_strides_and_channels_of_the_paper() -> None:
    network = published().network
    shapes: dict[str, tuple[int, ...]] = {}
    for branch in ("detail", "context", "boundary"):
        for stage in (3, 4, 5):
            network.get_submodule(f"{branch}{stage}").register_forward_hook(
                lambda layer, inputs, output, name=f"{branch}{stage}": shapes.update({name: tuple(output.shape[1:])})
            )
    network(torch.empty(1, 3, 1024, 2048, device="meta"))
    assert [shapes[f"detail{stage}"] for stage in (3, 4, 5)] == [(64, 128, 256), (64, 128, 256), (128, 128, 256)]
    assert [shapes[f"context{stage}"] for stage in (3, 4, 5)] == [(128, 64, 128), (256, 32, 64), (512, 16, 32)]
    assert [shapes[f"boundary{stage}"] for stage in (3, 4, 5)] == [(32, 128, 256), (64, 128, 256), (128, 128, 256)]


@torch.no_grad()
def test_pyramid_pooling_joins_all_levels_at_once() -> None:
    torch.manual_seed(0)
    module = PAPPM(12, 8, 6).eval()
    features = torch.randn(2, 12, 11, 14)
    unpooled = module.levels.unpooled(features)
    pools = [F.avg_pool2d(features, size, size // 2, size // 2) for size in (5, 9, 17)]
    # module.levels.pooled[i][0] is the pooling itself
    pooled = [layer[1:](pool) for layer, pool in zip(module.levels.pooled, pools, strict=True)]
    pooled.append(module.levels.whole(F.adaptive_avg_pool2d(features, 1)))
    enlarged = [F.interpolate(level, size=(11, 14), mode="bilinear") for level in pooled]
    norm, _, convolution = module.aggregate
    activated = norm(torch.cat([unpooled + level for level in enlarged], 1)).relu().chunk(4, 1)
    kernels = convolution.weight.chunk(4)
    aggregated = [F.conv2d(level, kernel, padding=1) for level, kernel in zip(activated, kernels, strict=True)]
    expected = module.compress(torch.cat([unpooled, *aggregated], 1)) + module.shortcut(features)
    torch.testing.assert_close(module(features), expected)


@torch.no_grad()
def test_detail_is_replaced_by_context_as_far_as_both_agree() -> None:
    """Pag: s = sigmoid(sum of products), out = s context + (1 - s) detail."""
    torch.manual_seed(0)
    module = DetailAttention(8, 12).eval()
    detail, context = torch.randn(2, 8, 6, 10), torch.randn(2, 12, 3, 5)

    def up(features: Tensor) -> Tensor:
        return F.interpolate(features, size=(6, 10), mode="bilinear")

    compressed = module.compress(context)
    share = torch.einsum("bchw,bchw->bhw", module.of_detail(detail), up(module.of_context(compressed))).sigmoid()
    expected = share[:, None] * up(compressed) + (1 - share[:, None]) * detail
    torch.testing.assert_close(module(detail, context), expected)


@torch.no_grad()
def test_at_certain_boundaries_detail_is_added_and_elsewhere_context() -> None:
    torch.manual_seed(0)
    module = BoundaryFusion(8).eval()
    detail, context = torch.randn(2, 2, 8, 6, 10)
    everywhere = torch.full_like(detail, 100)
    at_boundaries = module.of_detail(detail) + module.of_context(context + detail)
    elsewhere = module.of_detail(detail + context) + module.of_context(context)
    torch.testing.assert_close(module(detail, context, everywhere), at_boundaries)
    torch.testing.assert_close(module(detail, context, -everywhere), elsewhere)


def test_training_gives_logits_of_detail_and_of_boundaries_at_stride_8() -> None:
    network = small_model("pidnet_s", 5).network.train()
    seen: list[Tensor] = []
    network.get_submodule("attention3").register_forward_hook(lambda layer, inputs, output: seen.append(output))
    output = network(torch.rand(2, 3, 128, 192))
    (detail,) = output.auxiliary
    torch.testing.assert_close(detail, network.get_submodule("auxiliary_heads.detail")(seen[0]))
    assert detail.shape == (2, 5, 16, 24)
    assert output.boundary.shape == (2, 1, 16, 24)
