"""Class ids by cells are those of the logits that torch enlarges, whatever the classes between neighbours."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segexp.inference.cells import cell_factors, prediction_by_cells
from segexp.types import Size

pytestmark = pytest.mark.fast


def noise(height: int, width: int) -> Tensor:
    return torch.randn(2, 7, height, width, generator=torch.Generator().manual_seed(0))


def regions(height: int, width: int) -> Tensor:
    """Logits whose classes have large regions, as those of scenes do."""
    return functional.interpolate(noise(3, 4), size=(height, width), mode="bicubic")


@pytest.mark.parametrize("make", [noise, regions])
@pytest.mark.parametrize("factors", [(2, 2), (8, 8), (4, 6), (16, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_class_ids_are_those_of_the_enlarged_logits(make, factors: Size, dtype, layout) -> None:
    logits = make(9, 13).to(dtype).contiguous(memory_format=layout)
    size = (9 * factors[0], 13 * factors[1])
    enlarged = functional.interpolate(logits.float(), size=size, mode="bilinear")
    assert cell_factors(logits, size) == factors
    found = prediction_by_cells(logits, factors)
    assert found.dtype == torch.uint8
    assert torch.equal(found, enlarged.argmax(1))


def test_of_equal_logits_the_first_class_is_taken() -> None:
    assert prediction_by_cells(torch.zeros(1, 5, 3, 3), (4, 4)).unique().tolist() == [0]


@pytest.mark.parametrize("size", [(9, 26), (27, 26), (18, 39), (20, 26), (4, 6)])
def test_sizes_that_are_no_even_multiple_have_no_cells(size: Size) -> None:
    assert cell_factors(noise(9, 13), size) is None
