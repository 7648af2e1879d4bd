"""The mean of a number over batches."""

import pytest
import torch

from segexp.metric.weighted_mean import WeightedMean

pytestmark = pytest.mark.fast


def test_every_number_counts_as_often_as_its_weight_says() -> None:
    mean = WeightedMean()
    for value, weight in ((1.0, 3), (0.0, 1)):
        mean.update(torch.tensor(value), weight=weight)
    assert mean.compute() == 0.75


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_it_stays_float32_in_a_training_of_another_precision(dtype: torch.dtype) -> None:
    mean = WeightedMean().to(dtype)
    torch.set_default_dtype(dtype)
    try:
        for value in torch.linspace(0, 1, 1001, dtype=torch.float32):
            mean.update(value)
    finally:
        torch.set_default_dtype(torch.float32)
    assert mean.compute().dtype == torch.float32
    torch.testing.assert_close(mean.compute(), torch.tensor(0.5))


def test_a_nan_is_kept() -> None:
    mean = WeightedMean()
    for value in (1.0, float("nan")):
        mean.update(torch.tensor(value))
    assert mean.compute().isnan()
