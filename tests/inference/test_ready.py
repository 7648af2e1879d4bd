"""A network that is ready computes what the network computed, in the arithmetic that was asked for."""

import copy
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from segexp.inference.ready import ReadyNetwork, arithmetic_on
from segexp.inference.segment import image_batch
from segexp.inference.settings import InferenceSettings
from segexp.model.segmenter import Segmenter
from segexp.system.arithmetic import decide
from segexp.types import MemoryFormat, Precision

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 33, 47, 3), np.uint8)


class Recorder(nn.Module):
    """formats: whether each image was given in channels_last. dtypes: of the weights at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 3, padding=1)
        self.formats: list[bool] = []
        self.dtypes: list[torch.dtype] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.formats.append(image.is_contiguous(memory_format=torch.channels_last))
        self.dtypes.append(self.layer.weight.dtype)
        return self.layer(image)


@pytest.fixture
def network() -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(Recorder(), stride=4).eval()


@pytest.mark.parametrize("memory_format", get_args(MemoryFormat))
@pytest.mark.parametrize("precision", get_args(Precision))
def test_a_network_computes_in_the_arithmetic_that_was_asked_for(
    network: Segmenter, precision: Precision, memory_format: MemoryFormat
) -> None:
    expected = copy.deepcopy(network)(image_batch(IMAGES))
    ready = ReadyNetwork(network, decide(precision, memory_format, CPU))
    with torch.inference_mode():
        logits = ready(image_batch(IMAGES))
    assert logits.dtype == getattr(torch, precision)
    assert network.network.formats == [memory_format == "channels_last"]
    assert network.network.dtypes == [getattr(torch, precision)]
    assert (network.mean.dtype, network.std.dtype) == (torch.float32, torch.float32)
    tolerance = {"float32": 1e-5, "float16": 0.01, "bfloat16": 0.05}[precision]
    torch.testing.assert_close(logits.float(), expected, rtol=tolerance, atol=tolerance)


def test_single_precision_alone_gives_the_bits_of_the_network(network: Segmenter) -> None:
    expected = copy.deepcopy(network)(image_batch(IMAGES).contiguous())
    assert torch.equal(ReadyNetwork(network, decide("float32", "auto", CPU))(image_batch(IMAGES)), expected)


def test_a_batch_of_images_is_channels_last_without_a_copy() -> None:
    image = image_batch(IMAGES)
    assert image.shape == (2, 3, 33, 47)
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert image.data_ptr() == IMAGES.ctypes.data


def test_auto_is_the_fastest_arithmetic_of_the_device() -> None:
    auto = InferenceSettings(precision="auto", memory_format="auto")
    assert arithmetic_on(CPU, auto) == decide("auto", "auto", CPU)
    chosen = InferenceSettings(precision="float16", memory_format="contiguous")
    assert arithmetic_on(CPU, chosen) == ("float16", "contiguous", "as set")


def test_a_network_with_convolutions_over_time_is_made_ready() -> None:
    """A memory format is of 4-d tensors alone."""

    class OverTime(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv3d(3, 5, 1)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.layer(image.float()[:, :, None])[:, :, 0]

    network = OverTime().eval()
    expected = copy.deepcopy(network)(image_batch(IMAGES))
    logits = ReadyNetwork(network, decide("float32", "channels_last", CPU))(image_batch(IMAGES))
    torch.testing.assert_close(logits, expected)
