"""RepVGG-UNet: the shapes of its features, what its lists may hold, and that it predicts as plain convolutions."""

import pytest
import torch
from torch import nn

from segexp import build
from segexp.config.compose import compose
from segexp.inference.model import load_model
from segexp.model.reparameterized import RepVGGBlock
from segexp.model.repvgg_unet import MaximumPyramid, RepVGGUNet, repvgg_unet
from segexp.run.checkpoint import load_weights
from segexp.run.folder import RunFolder
from tests.training import start

SMALL = {"widths": [4, 8, 12, 16, 20], "num_blocks": [1, 1, 1, 1, 1], "decoder_widths": [12, 8, 6], "dropout": 0.0}


@pytest.mark.fast
def test_logits_are_a_quarter_of_the_image() -> None:
    network = RepVGGUNet(5, **SMALL).eval()
    assert network(torch.rand(2, 3, 64, 96)).shape == (2, 5, 16, 24)


@pytest.mark.fast
def test_the_pyramid_holds_maxima_over_5_9_and_13_pixels() -> None:
    pyramid = MaximumPyramid(3, 4).eval()
    seen: list[torch.Tensor] = []
    pyramid.join.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    features = torch.randn(1, 3, 20, 30)
    pyramid(features)
    reduced = pyramid.reduce(features)
    expected = [nn.functional.max_pool2d(reduced, side, stride=1, padding=side // 2) for side in (5, 9, 13)]
    torch.testing.assert_close(seen[0], torch.cat([reduced, *expected], 1))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("key", "numbers", "length"),
    [("widths", [8, 8], 5), ("num_blocks", [1, 1, 1, 1, 0], 5), ("decoder_widths", [8, 8, 8, 8], 3)],
)
def test_impossible_numbers_are_named_in_the_error(key: str, numbers: list[int], length: int) -> None:
    with pytest.raises(ValueError, match=rf"{key} is \[.*\]; allowed: {length} whole numbers.*set model.{key}"):
        repvgg_unet(5, **{**SMALL, key: numbers})


def test_a_run_predicts_by_plain_convolutions_what_it_trained(small, tmp_path) -> None:
    overrides = [each for each in small("model=repvgg_unet") if not each.startswith("model.")]
    overrides += [f"model.{key}={value}" for key, value in SMALL.items()]
    start(compose("train", overrides), tmp_path, {"data": "streets"}, overrides)
    run = RunFolder(tmp_path)
    wide = build.model(run.config)
    load_weights(wide, run.checkpoint("best"))
    narrow = load_model(run, "best").model
    assert any(isinstance(module, RepVGGBlock) for module in wide.modules())
    assert not any(isinstance(module, RepVGGBlock) for module in narrow.modules())
    image = torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8)
    torch.testing.assert_close(narrow(image), wide.eval()(image), rtol=1e-5, atol=1e-5)
