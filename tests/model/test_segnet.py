"""SegNet against torch's unpooling and torchvision's VGG16."""

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from segexp.model.segnet import segnet, unpool


@pytest.mark.parametrize("size", [(8, 12), (7, 11), (8, 11)])
def test_unpool_equals_torchs_max_unpool(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    features, indices = F.max_pool2d(torch.randn(2, 3, *size), 2, return_indices=True)
    torch.testing.assert_close(unpool(features, indices, size), F.max_unpool2d(features, indices, 2, output_size=size))


def test_published_encoder_has_the_convolutions_of_vgg16() -> None:
    with torch.device("meta"):
        model = segnet(19, (64, 128, 256, 512, 512), (2, 2, 3, 3, 3))
        vgg16 = torchvision.models.vgg16_bn()
    ours, theirs = (
        [m.weight.shape for m in part.modules() if isinstance(m, nn.Conv2d)] for part in (model.encoder, vgg16)
    )
    assert ours == theirs


def test_decoder_mirrors_the_encoder() -> None:
    model = segnet(19, (64, 128, 256, 512, 512), (2, 2, 3, 3, 3))
    down, up = [
        [(m.in_channels, m.out_channels) for m in part.modules() if isinstance(m, nn.Conv2d)]
        for part in (model.encoder, model.network)
    ]
    up = up[len(down) :]
    mirrored = [(outputs, inputs) for inputs, outputs in reversed(down)]
    assert up == [*mirrored[:-1], (64, 19)]


@pytest.mark.parametrize(
    ("widths", "num_convolutions"), [((), ()), ((8, 8), (1,)), ((8,) * 6, (1,) * 6), ((8, 0), (1, 1)), ((8, 8), (1, 0))]
)
def test_impossible_stages_are_named_in_the_error(widths: Sequence[int], num_convolutions: Sequence[int]) -> None:
    with pytest.raises(ValueError, match="^segnet: ") as error:
        segnet(5, widths, num_convolutions)
    facts = [f"widths is {list(widths)}", f"num_convolutions is {list(num_convolutions)}", "1 to 5 stages", "1 or more"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)
