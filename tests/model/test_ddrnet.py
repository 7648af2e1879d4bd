"""DDRNet against the figures of its paper, and its pyramid pooling against the definition."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.ddrnet import ddrnet
from segexp.model.pyramid_pooling import DAPPM
from segexp.model.segmenter import Segmenter
from tests.model.options import small_model


def published(width: int, head_width: int) -> Segmenter:
    """Without weights and auxiliary head, for the 19 classes of Cityscapes."""
    with torch.device("meta"):
        model = ddrnet(19, width, 128, head_width).eval()
    drop_auxiliary_heads(model)
    return model


@pytest.mark.parametrize(
    ("width", "head_width", "millions", "giga_multiply_adds"), [(32, 64, 5.7, 36.3), (64, 128, 20.1, 143.1)]
)
def test_parameters_and_multiply_adds_are_those_of_the_paper(
    width: int, head_width: int, millions: float, giga_multiply_adds: float
) -> None:
    """Its comparison on Cityscapes: DDRNet-23-slim and DDRNet-23, images of 1024x2048, no auxiliary head."""
    model = published(width, head_width)
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(millions * 1e6, abs=0.05e6)
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 1024, 2048, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(giga_multiply_adds, abs=0.05)


def test_branches_have_the_strides_and_channels_of_the_paper() -> None:
    network = published(32, 64).network
    shapes: dict[str, tuple[int, ...]] = {}
    for name in ("stem", "fine3", "coarse3", "fine4", "coarse4", "fine5", "coarse5", "context"):
        network.get_submodule(name).register_forward_hook(
            lambda layer, inputs, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
    network(torch.empty(1, 3, 1024, 2048, device="meta"))
    fine, coarse = [(64, 128, 256), (64, 128, 256), (128, 128, 256)], [(128, 64, 128), (256, 32, 64), (512, 16, 32)]
    assert shapes["stem"] == (64, 128, 256)
    assert [shapes[f"fine{stage}"] for stage in (3, 4, 5)] == fine
    assert [shapes[f"coarse{stage}"] for stage in (3, 4, 5)] == coarse
    assert shapes["context"] == (128, 16, 32)


@torch.no_grad()
def test_pyramid_pooling_is_its_recurrence() -> None:
    """y_1 = C1x1(x), y_i = C3x3(U(C1x1(P_i(x))) + y_{i-1}), out = C1x1([y_1 .. y_5]) + C1x1(x)."""
    torch.manual_seed(0)
    module = DAPPM(12, 8, 6).eval()
    features = torch.randn(2, 12, 11, 14)

    def up(level: Tensor) -> Tensor:
        return F.interpolate(level, size=(11, 14), mode="bilinear")

    levels = [module.levels.unpooled(features)]
    pools = [F.avg_pool2d(features, size, size // 2, size // 2) for size in (5, 9, 17)]
    # module.levels.pooled[i][0] is the pooling itself
    pooled = [layer[1:](pool) for layer, pool in zip(module.levels.pooled, pools, strict=True)]
    pooled.append(module.levels.whole(F.adaptive_avg_pool2d(features, 1)))
    for level, convolve in zip(pooled, module.aggregate, strict=True):
        levels.append(convolve(up(level) + levels[-1]))
    expected = module.compress(torch.cat(levels, 1)) + module.shortcut(features)
    torch.testing.assert_close(module(features), expected)


def test_auxiliary_logits_are_those_of_the_fine_branch_after_the_first_exchange() -> None:
    network = small_model("ddrnet23_slim", 5).network.train()
    seen: list[Tensor] = []
    network.get_submodule("exchange3").register_forward_hook(lambda layer, inputs, output: seen.append(output[0]))
    (auxiliary,) = network(torch.rand(2, 3, 64, 96)).auxiliary
    assert auxiliary.shape == (2, 5, 8, 12)
    torch.testing.assert_close(auxiliary, network.get_submodule("auxiliary_heads.0")(seen[0]))
