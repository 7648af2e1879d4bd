"""The check of an exported file: what rounding may do, and what only a wrong file does."""

import copy

import pytest
import torch
from torch import Tensor

from segexp.export import parity
from segexp.inference.segment import Network
from tests.export.test_options import TOLERANCE, lively

LAST_ROW, HALF_OF_ALL_COLOURS, INFINITE = "last row", "half of all colours", "infinite where red is 255"


def right(image: Tensor) -> Tensor:
    return image.float()


WRONG: dict[str, Network] = {
    LAST_ROW: lambda image: torch.cat([right(image)[..., :-1, :], 0.999 * right(image)[..., -1:, :]], -2),
    HALF_OF_ALL_COLOURS: lambda image: right(image) + image[:, :1] % 2,
    INFINITE: lambda image: right(image).masked_fill(image[:, :1] == 255, torch.inf),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_anywhere_in_every_image_is_refused(wrong: str) -> None:
    checks = parity.compare_networks(right, WRONG[wrong], None, TOLERANCE)
    with pytest.raises(ValueError, match="the exported network differs from the trained one"):
        parity.refuse_difference(checks, TOLERANCE)


def test_a_network_that_rounds_otherwise_is_the_same_though_its_unpooling_is_not() -> None:
    """Weights that differ a little stand for rounding: somewhere another value of a pooling window is the largest."""
    model = lively("segnet", {"widths": [16, 32, 32], "num_convolutions": [1, 1, 1]})
    other, generator = copy.deepcopy(model), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in other.parameters():
            weight *= 1 + 1e-5 * torch.randn(weight.shape, generator=generator)
    checks = parity.compare_networks(model, other, (256, 512), TOLERANCE)
    assert checks[-1].num_images > 1
    parity.refuse_difference(checks, TOLERANCE)
