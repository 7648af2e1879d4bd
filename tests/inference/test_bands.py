"""Class ids that are made band by band are those of the whole map, bit for bit."""

import pytest
import torch

from segexp.inference import bands
from segexp.inference.bands import resized_confidence, resized_prediction
from segexp.inference.segment import segment, segment_to_class_ids, segment_with_confidence
from segexp.inference.settings import Inference
from segexp.metric.confusion import prediction, resize_logits
from segexp.types import Size

FORMATS = [torch.contiguous_format, torch.channels_last]


def random_logits(dtype: torch.dtype, memory_format: torch.memory_format) -> torch.Tensor:
    logits = torch.randn(2, 7, 37, 41, generator=torch.Generator().manual_seed(0))
    logits[:, 3] = logits[:, 2]  # ties
    logits[0, 4, 5, 6] = logits[0, 5, 30, 7] = float("nan")
    return logits.to(dtype).contiguous(memory_format=memory_format)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(37, 41), (74, 82), (148, 100), (37, 82), (111, 123), (60, 70), (20, 30)])
def test_bands_give_the_class_ids_of_the_whole(
    dtype: torch.dtype, memory_format: torch.memory_format, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bands, "BAND_BYTES", 30_000)
    logits = random_logits(dtype, memory_format)
    expected = prediction(resize_logits(logits.float(), size))
    assert torch.equal(resized_prediction(logits, size), expected)
    class_ids, confidence = resized_confidence(logits, size)
    assert torch.equal(class_ids, expected)
    probability = resize_logits(logits.float(), size).softmax(1).max(1).values
    torch.testing.assert_close(confidence, probability, equal_nan=True)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_the_logits_of_bands_are_those_of_the_whole(memory_format: torch.memory_format) -> None:
    logits, size = random_logits(torch.float32, memory_format), (148, 101)
    whole = resize_logits(logits, size)
    for rows, band in bands._bands(logits, size, 4):
        torch.testing.assert_close(band, whole[..., rows, :], rtol=0, atol=0, equal_nan=True)


def test_no_float_map_of_the_whole_image_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    resize = bands.resize_logits
    monkeypatch.setattr(bands, "resize_logits", lambda *given: sizes.append(given[1]) or resize(*given))
    monkeypatch.setattr(bands, "BAND_BYTES", 70_000)
    resized_prediction(torch.randn(1, 19, 64, 32), (128, 48))
    assert len(sizes) > 5
    assert max(height for height, _ in sizes) < 30


@pytest.mark.parametrize(
    "inference", [Inference(), Inference(scales=(0.5,)), Inference(flip=True), Inference(window=(64, 64))]
)
@pytest.mark.parametrize("image_size", [None, (40, 48)])
def test_class_ids_are_those_of_the_logits(inference: Inference, image_size: Size | None) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 5, 3, padding=1)
    image = torch.randint(0, 256, (2, 3, 80, 96), dtype=torch.uint8)
    arguments = (lambda given: layer(given.float() / 50), image, image_size, inference)
    expected = segment(*arguments)
    assert torch.equal(segment_to_class_ids(*arguments), prediction(expected))
    class_ids, confidence = segment_with_confidence(*arguments)
    assert torch.equal(class_ids, prediction(expected))
    torch.testing.assert_close(confidence, expected.softmax(1).max(1).values)
