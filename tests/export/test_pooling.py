"""Adaptive pooling for ONNX against torch's own."""

import pytest
import torch
import torch.nn.functional as F

from segexp.export.pooling import adaptive_average_pooling


@pytest.mark.parametrize("size", [(5, 7), (12, 9), (3, 40), (1, 1)])
@pytest.mark.parametrize("output_size", [(1, 1), (2, 2), (6, 6), (3, 4)])
def test_pooling_by_matrices_equals_torchs_pooling(size: tuple[int, int], output_size: tuple[int, int]) -> None:
    features = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = F.adaptive_avg_pool2d(features, output_size)
    torch.testing.assert_close(adaptive_average_pooling(features, output_size), expected)
