"""The module that wraps every network: scaling, normalising, padding and cropping."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from segexp.model.segmenter import IMAGENET_MEAN, IMAGENET_STD, Segmenter


class Recorder(nn.Module):
    """Return the input, and keep it."""

    def forward(self, image: Tensor) -> Tensor:
        self.input = image
        return image


class Coarse(nn.Module):
    """A network that needs multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 8, 16, stride=16)
        self.decoder = nn.ConvTranspose2d(8, 5, 16, stride=16)

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image))


@pytest.fixture
def image() -> Tensor:
    return torch.randint(0, 256, (2, 3, 33, 47), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_the_network_sees_the_image_normalised_like_torchvision_does(image: Tensor) -> None:
    fractions = transforms.to_dtype(image, torch.float32, scale=True)
    expected = transforms.normalize(fractions, list(IMAGENET_MEAN), list(IMAGENET_STD))
    torch.testing.assert_close(Segmenter(Recorder(), stride=1)(image), expected)


def test_the_network_sees_the_border_replicated_to_a_multiple_of_stride(image: Tensor) -> None:
    network = Recorder()
    logits = Segmenter(network, stride=32)(image)
    expected = np.pad(logits.numpy(), [(0, 0), (0, 0), (0, 31), (0, 17)], mode="edge")
    np.testing.assert_array_equal(network.input.numpy(), expected)


def test_logits_of_a_fitting_image_are_those_of_the_network(image: Tensor) -> None:
    network = Coarse()
    model = Segmenter(network, stride=16, mean=(0, 0, 0), std=(1, 1, 1))
    fitting = image[..., :32, :32]
    torch.testing.assert_close(model(fitting), network(fitting / 255))


@pytest.mark.parametrize("is_training", [True, False])
def test_logits_that_are_smaller_than_the_image_are_enlarged_before_its_border_is_cut_off(
    image: Tensor, is_training: bool
) -> None:
    network = nn.Conv2d(3, 5, 4, stride=4)
    model = Segmenter(network, stride=16, mean=(0, 0, 0), std=(1, 1, 1), coarseness=4).train(is_training)
    padded = functional.pad(image / 255, (0, 1, 0, 15), mode="replicate")
    expected = functional.interpolate(network(padded), scale_factor=4, mode="bilinear")[..., :33, :47]
    torch.testing.assert_close(model(image), expected)
    coarse, size = model.coarse(image)
    assert (coarse.shape[-2:], size) == ((12, 12), (48, 48))


def test_mean_and_std_travel_with_the_state_dict() -> None:
    state = Segmenter(Recorder(), stride=1, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)).state_dict()
    restored = Segmenter(Recorder(), stride=1)
    restored.load_state_dict(state)
    torch.testing.assert_close(restored.mean.flatten(), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(restored.std.flatten(), torch.tensor([0.4, 0.5, 0.6]))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_logits_have_the_precision_of_the_network(image: Tensor, dtype: torch.dtype) -> None:
    model = Segmenter(Coarse(), stride=16).to(dtype)
    assert model(image).dtype == dtype
    assert model(image.float() / 255).dtype == dtype


@pytest.mark.parametrize(
    ("shape", "dtype", "fact"),
    [
        ((2, 3, 64, 64), torch.int64, "torch.int64"),
        ((2, 3, 64, 64), torch.bool, "torch.bool"),
        ((2, 4, 64, 64), torch.uint8, "[2, 4, 64, 64]"),
        ((3, 64, 64), torch.uint8, "[3, 64, 64]"),
        ((2, 3, 31, 64), torch.uint8, "[2, 3, 31, 64]"),
        ((2, 3, 64, 31), torch.float32, "[2, 3, 64, 31]"),
    ],
)
def test_any_other_image_is_named_in_the_error(shape: tuple[int, ...], dtype: torch.dtype, fact: str) -> None:
    with pytest.raises(ValueError, match="allowed: uint8") as error:
        Segmenter(Coarse(), stride=16)(torch.zeros(shape, dtype=dtype))
    assert fact in str(error.value)


def test_encoder_is_the_encoder_of_the_network() -> None:
    network = Coarse()
    assert Segmenter(network, stride=16).encoder is network.encoder


def test_a_network_without_encoder_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="Recorder has no encoder"):
        _ = Segmenter(Recorder(), stride=1).encoder


def test_one_exported_graph_serves_every_size_that_needs_padding(image: Tensor) -> None:
    model = Segmenter(Coarse(), stride=16).eval()
    dynamic = {
        0: torch.export.Dim("batch"),
        2: torch.export.Dim("height", min=32),
        3: torch.export.Dim("width", min=32),
    }
    graph = torch.export.export(
        model, (image,), dynamic_shapes=(dynamic,), prefer_deferred_runtime_asserts_over_guards=True
    ).module()
    for height, width in [(33, 33), (65, 97), (101, 37)]:
        other = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)
        torch.testing.assert_close(graph(other), model(other))
