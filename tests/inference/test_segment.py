"""Sliding windows and test-time augmentation, held against their definition."""

import copy
import math
from typing import get_args

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.transforms.v2 import functional as transform

from segexp.config.compose import config_folder
from segexp.inference.ready import ReadyNetwork
from segexp.inference.segment import needs_windows, segment, segment_to_class_ids, segment_with_confidence
from segexp.inference.settings import Blending, Inference, InferenceSettings
from segexp.inference.window import axis_windows, windows
from segexp.model.segmenter import Segmenter
from segexp.system.arithmetic import decide
from segexp.types import Size
from tests.inference.full_size import send_peak
from tests.process import said_by


class Pointwise(nn.Module):
    """Sees one pixel at a time, so that windows cannot change its logits. sizes: of the images it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 1)
        self.sizes: list[tuple[int, int]] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.sizes.append((image.shape[-2], image.shape[-1]))
        return self.layer(image.float() / 50)


@pytest.fixture
def network() -> Pointwise:
    torch.manual_seed(0)
    return Pointwise().eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 70, 101), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_single_view_gives_the_logits_themselves(network: Pointwise, image: torch.Tensor) -> None:
    assert torch.equal(segment(network, image, None, Inference()), network(image))
    assert torch.equal(segment(network, image, None, Inference(window=(70, 101))), network(image))


@pytest.mark.parametrize("blending", get_args(Blending))
@pytest.mark.parametrize("stride", [None, (32, 40), (13, 29)])
def test_windows_change_nothing_for_a_network_that_sees_pixels(blending: str, stride, network, image) -> None:
    inference = Inference(window=(32, 40), stride=stride, blending=blending)
    torch.testing.assert_close(segment(network, image, None, inference).softmax(1), network(image).softmax(1))
    assert set(network.sizes[:-1]) == {(32, 40)}


@settings(deadline=None, derandomize=True)  # a window of one pixel takes many steps; the same examples each time
@given(
    length=st.integers(1, 200), window=st.integers(1, 120), blending=st.sampled_from(get_args(Blending)), data=st.data()
)
def test_weights_of_every_pixel_add_up_to_one(length: int, window: int, blending: str, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    total = torch.zeros(length, 50)
    for rows, columns, weight in windows((length, 50), (window, 40), (stride, 20), blending):
        assert weight.shape == total[rows, columns].shape
        total[rows, columns] += weight
    torch.testing.assert_close(total, torch.ones(length, 50))


def test_trimmed_windows_do_not_use_their_edges_inside_the_image() -> None:
    first, *middle, last = axis_windows(100, window=40, stride=20, blending="trimmed")
    assert first[1].nonzero().flatten().tolist() == list(range(30))
    assert all(weight.nonzero().flatten().tolist() == list(range(10, 30)) for _, weight in middle)
    assert last[1].nonzero().flatten().tolist() == list(range(10, 40))


def test_views_are_averaged_as_probabilities(image: torch.Tensor) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1)).eval()
    scaled = image.float() / 50
    inference = Inference(scales=(0.5, 1.0), flip=True)
    half = transform.resize(scaled, [35, 50], antialias=True)
    views = [network(scaled), network(scaled.flip(-1)).flip(-1), network(half), network(half.flip(-1)).flip(-1)]
    probabilities = [nn.functional.interpolate(view.softmax(1), (70, 101), mode="bilinear") for view in views]
    with torch.no_grad():
        torch.testing.assert_close(segment(network, scaled, None, inference).exp(), torch.stack(probabilities).mean(0))


def test_the_network_sees_the_size_it_was_trained_at_and_its_multiples(network: Pointwise, image: torch.Tensor) -> None:
    logits = segment(network, image, (48, 64), Inference(scales=(1.0, 1.5), flip=True))
    assert network.sizes == [(48, 64), (48, 64), (72, 96), (72, 96)]
    assert logits.shape == (2, 5, 70, 101)


def test_windows_are_in_pixels_of_the_image_and_seen_at_the_scale_of_the_training(network: Pointwise) -> None:
    image = torch.randint(0, 256, (1, 3, 256, 512), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    inference = Inference(window=(128, 256), stride=(64, 256))
    windowed = segment(network, image, (128, 256), inference)
    assert network.sizes == [(64, 128)] * 6
    resized = transform.resize(image, [128, 256], antialias=True)
    seen = segment(network, resized, None, Inference(window=(64, 128), stride=(32, 128)))
    torch.testing.assert_close(windowed.exp(), nn.functional.interpolate(seen.exp(), (256, 512), mode="bilinear"))


@pytest.mark.parametrize(
    ("window", "image_size", "expected"),
    [
        ((128, 256), None, True),
        ((256, 512), None, False),
        ((128, 256), (128, 256), True),
        ((256, 512), (128, 256), False),
        ((41, 999), (200, 400), True),
        (None, (128, 256), False),
    ],
)
def test_whether_an_image_needs_windows(window: Size | None, image_size: Size | None, expected: bool) -> None:
    assert needs_windows((256, 512), image_size, Inference(window=window)) is expected


def test_a_window_that_is_too_small_at_the_scale_of_the_training_is_refused(network: Pointwise) -> None:
    with pytest.raises(ValueError, match=r"the resized window is \[16, 128\]; .*set window to at least \[128, 128\]"):
        segment(network, torch.zeros(1, 3, 256, 512, dtype=torch.uint8), (64, 128), Inference(window=(64, 512)))


def test_a_mirrored_view_is_the_resized_image_mirrored(
    network: Pointwise, image: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resizing costs as much as a small network: it happens once a size and gives the pixels of resizing each view."""
    sizes, inputs = [], []
    resize = transform.resize
    monkeypatch.setattr(transform, "resize", lambda *given, **how: sizes.append(given[1]) or resize(*given, **how))
    network.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    segment(network, image, None, Inference(scales=(0.5, 1.0, 1.5), flip=True))
    assert sizes == [[35, 50], [105, 152]]
    expected = [resize(image, list(size), antialias=True) for size in ((35, 50), (70, 101), (105, 152))]
    views = [view for each in expected for view in (each, each.flip(-1))]
    assert all(torch.equal(given, view) for given, view in zip(inputs, views, strict=True))


def test_half_precision_gives_single_precision_logits(network: Pointwise, image: torch.Tensor) -> None:
    expected = network(image)
    ready = ReadyNetwork(network, decide("bfloat16", "auto", image.device))
    assert ready(image).dtype is torch.bfloat16
    logits = segment(ready, image, None, Inference())
    assert logits.dtype is torch.float32
    assert not torch.equal(logits, expected)
    torch.testing.assert_close(logits, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("size", [(64, 96), (70, 101)], ids=["fits", "is padded"])
def test_coarse_logits_are_enlarged_once_and_in_single_precision(size: Size) -> None:
    torch.manual_seed(0)
    network = Segmenter(nn.Conv2d(3, 5, 8, stride=8), stride=32, coarseness=8).eval()
    image = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    expected = network(image)
    for precision, allowed in (("float32", 1e-5), ("bfloat16", 0.02)):
        ready = ReadyNetwork(copy.deepcopy(network), decide(precision, "auto", image.device))
        logits = segment(ready, image, None, Inference())
        assert (logits - expected).abs().max() <= allowed
        assert torch.equal(segment_to_class_ids(ready, image, None, Inference()), logits.argmax(1))
        class_ids, confidence = segment_with_confidence(ready, image, None, Inference())
        assert torch.equal(class_ids, logits.argmax(1))
        torch.testing.assert_close(confidence, logits.softmax(1).amax(1))


@pytest.mark.parametrize(
    ("wrong", "facts"),
    [
        ({"window": [16, 64]}, ("window is [16, 64]", "null", "[height, width], each at least 32")),
        ({"window": 512}, ("window is 512", "[height, width]")),
        ({"stride": [10, 10]}, ("stride is [10, 10]", "window is null", "set window")),
        ({"window": [32, 32], "stride": [33, 10]}, ("stride is [33, 10]", "window is [32, 32]", "no larger")),
        ({"blending": "hann"}, ("blending is 'hann'", "gaussian, trimmed, uniform")),
        ({"precision": "int8"}, ("precision is 'int8'", "auto, float32, bfloat16, float16")),
        ({"memory_format": "nhwc"}, ("memory_format is 'nhwc'", "auto, contiguous, channels_last")),
        ({"scales": []}, ("scales is []", "numbers from 0.1 to 10")),
        ({"scales": [0.0]}, ("scales is [0.0]", "numbers from 0.1 to 10")),
        ({"flip": "yes"}, ("flip is 'yes'", "true, false")),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict, facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        InferenceSettings.of({"precision": "auto", "memory_format": "auto", **wrong})
    assert [fact for fact in facts if fact not in str(refused.value)] == [], refused.value


@pytest.mark.parametrize("command", ["evaluate", "predict", "serve"])
def test_a_command_runs_the_network_once_by_default(command: str) -> None:
    stored = yaml.safe_load((config_folder() / f"{command}.yaml").read_text())
    assert Inference.of({key: stored[key] for key in Inference.model_fields}) == Inference()


@pytest.mark.slow
def test_memory_at_full_size_is_that_of_a_few_probability_maps() -> None:
    """1024x2048 and 19 classes are 159 MB a map; six views in 45 windows each would be thousands."""
    one_map = 19 * 1024 * 2048 * 4
    peak = said_by(send_peak)  # by a process of its own: others may keep freed memory
    if math.isnan(peak):
        pytest.skip("this system does not let a process forget the peak of its memory (/proc/self/clear_refs)")
    assert peak < 5 * one_map
