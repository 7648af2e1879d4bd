"""The sizes that networks of smp take: found by trying, and told in docs/extending.md."""

from pathlib import Path
from typing import Any

import pytest
import torch
from segmentation_models_pytorch import MODEL_ARCHITECTURES_MAPPING
from torch import nn

from segexp.model.input_size import InputSize, input_size
from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp
from segexp.train.single_images import refuse_single_images

DOCUMENT = Path(__file__).parents[2] / "docs/extending.md"
ARCHITECTURES = sorted(each.__name__ for each in MODEL_ARCHITECTURES_MAPPING.values())
SMALL_DPT = {"decoder_intermediate_channels": [8] * 4, "decoder_fusion_channels": 8}


class Picky(nn.Module):
    """A network that takes multiples of a size only, from a smallest one on."""

    def __init__(self, multiple: int, smallest: int) -> None:
        super().__init__()
        self.multiple, self.smallest = multiple, smallest

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for side in image.shape[-2:]:
            if side % self.multiple or side < self.smallest:
                raise RuntimeError(f"not {side}")
        return image


@pytest.mark.parametrize(
    ("network", "found"),
    [
        (Picky(16, 32), InputSize(16, 32)),
        (Picky(32, 1), InputSize(32, 32)),
        (Picky(64, 1), InputSize(64, 32)),
        (Picky(16, 100), InputSize(16, 128)),
        (Picky(32, 256), InputSize(32, 256)),
    ],
)
def test_the_sizes_that_a_network_takes_are_found(network: Picky, found: InputSize) -> None:
    assert input_size(network, 16) == found


@pytest.mark.parametrize(
    ("network", "answer"),
    [
        (Picky(16, 500), "RuntimeError: not 256"),
        (nn.Upsample(scale_factor=2), r"its logits are \[1, 3, 512, 640\] for 256 x 320 pixels"),
    ],
)
def test_a_network_that_takes_no_size_is_refused_with_its_answer(network: nn.Module, answer: str) -> None:
    with pytest.raises(ValueError, match=rf"^model: the network accepts none .*{answer}.*; allowed: .*upsampling"):
        input_size(network, 16)


def test_a_small_image_is_padded_to_the_smallest_size() -> None:
    with torch.no_grad():
        logits = Segmenter(Picky(16, 112), stride=16, smallest=100)(torch.rand(1, 3, 33, 150))
    assert logits.shape == (1, 3, 33, 150)


def test_pan_takes_small_images() -> None:
    model = smp(5, "PAN", "resnet18", None).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 33, 47)).shape == (1, 5, 33, 47)


def test_a_vision_transformer_takes_any_size_or_says_which_key_it_needs() -> None:
    with pytest.raises(ValueError, match=r"doesn't match model \(224\).*\+model.dynamic_img_size=true"):
        smp(5, "DPT", "tu-vit_tiny_patch16_224", None, **SMALL_DPT)
    model = smp(5, "DPT", "tu-vit_tiny_patch16_224", None, dynamic_img_size=True, **SMALL_DPT).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 48, 80)).shape == (1, 5, 48, 80)


def test_logits_of_another_size_than_the_image_are_refused() -> None:
    with torch.device("meta"):
        with pytest.raises(ValueError, match=r"\+model.upsampling"):
            smp(5, "FPN", "resnet18", None, encoder_depth=4)
        assert smp(5, "FPN", "resnet18", None, encoder_depth=4, upsampling=2).stride == 16


def rows() -> dict[str, list[str]]:
    """Return the cells of each architecture in the table of the document."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in DOCUMENT.read_text().splitlines()]
    return {cells[0]: cells[1:] for cells in lines if cells and cells[0] in ARCHITECTURES}


def test_the_table_has_every_architecture_of_smp() -> None:
    assert sorted(rows()) == ARCHITECTURES


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_of_smp_is_trained_at_the_sizes_of_the_table(architecture: str) -> None:
    multiple, smallest, batch_size = map(int, rows()[architecture][:3])
    keys: dict[str, Any] = {"dynamic_img_size": True, **SMALL_DPT} if architecture == "DPT" else {}
    model = smp(5, architecture, "tu-vit_tiny_patch16_224" if keys else "resnet18", None, **keys)
    assert (model.stride, model.smallest) == (multiple, smallest)
    values = {"data": {"batch_size": 1}, "trainer": {}}
    if batch_size == 1:
        refuse_single_images(model, values)
    else:
        with pytest.raises(ValueError, match="data.batch_size"):
            refuse_single_images(model, values)
    model(torch.rand(batch_size, 3, 256, 512)).mean().backward()
    assert all(each.grad is not None for each in model.parameters() if each.requires_grad)
    with torch.no_grad():
        assert model.eval()(torch.rand(1, 3, 33, 47)).shape == (1, 5, 33, 47)
