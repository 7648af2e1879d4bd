"""A network and an image of any size -> logits at the image's own size."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from segexp.inference.bands import resized_confidence, resized_prediction
from segexp.inference.ready import ReadyNetwork
from segexp.inference.settings import Inference
from segexp.inference.window import windows
from segexp.metric.confusion import prediction, resize_logits
from segexp.types import SMALLEST_SIDE, Bytes, Image, Logits, Size, Target

Network = Callable[[Tensor], Tensor]
SMALLEST_PROBABILITY = 1e-30
"""Keeps the logarithm of a probability finite."""


def image_batch(images: Bytes, device: torch.device | str = "cpu") -> Image:
    """Images uint8 [B, H, W, 3] -> uint8 [B, 3, H, W] on the device, in channels_last, which copies nothing."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2)  # b h w c -> b c h w


@torch.inference_mode()
def segment(network: Network, image: Image, image_size: Size | None, inference: Inference) -> Logits:
    """Compute logits of a batch of images of one size, float32 [B, C, H, W], at that size and on their device.

    image_size: [height, width] that the network was trained at, None for the images' own.
    inference: window and stride are in pixels of these images. The network sees a window at the scale of its training,
    which is the window of an image that was resized to image_size; scales other than 1 do not change its size.
    Several views or windows give the logarithm of their mean probability, whose softmax is that mean. Beside it,
    memory holds one view's probabilities and what the network needs for one window, however many windows there are.
    Raises ValueError for a window that is smaller than SMALLEST_SIDE at that scale.
    """
    native = _size(image)
    base = image_size or native
    if _is_single_view(native, base, inference):
        logits, size = _single_view(network, image, base, inference)
        return resize_logits(logits.float(), size)[..., : native[0], : native[1]]
    sizes = _view_sizes(base, inference)
    inference = _at_training_scale(inference, native, base)
    flips = (False, True) if inference.flip else (False,)
    total: Tensor | None = None
    for size in sizes:
        image_at_size = _resized_image(image, size)
        for flip in flips:
            total = _add(total, _view_probability(network, image_at_size, flip, native, inference))
    assert total is not None
    return total.div_(len(sizes) * len(flips)).clamp_min_(SMALLEST_PROBABILITY).log_()


@torch.inference_mode()
def segment_to_class_ids(network: Network, image: Image, image_size: Size | None, inference: Inference) -> Target:
    """Compute class ids uint8 [B, H, W], those of the logits of `segment`, without a map of logits in float32.

    Several views and windows are added up in such a map, so there it costs what `segment` costs.
    """
    native = _size(image)
    base = image_size or native
    if _is_single_view(native, base, inference):
        logits, size = _single_view(network, image, base, inference)
        return resized_prediction(logits, size)[:, : native[0], : native[1]]
    return prediction(segment(network, image, image_size, inference))


@torch.inference_mode()
def segment_with_confidence(
    network: Network, image: Image, image_size: Size | None, inference: Inference
) -> tuple[Target, Tensor]:
    """Compute the class ids of `segment_to_class_ids`, and the probability of each, float32 [B, H, W]."""
    native = _size(image)
    base = image_size or native
    if _is_single_view(native, base, inference):
        class_ids, confidence = resized_confidence(*_single_view(network, image, base, inference))
        return class_ids[:, : native[0], : native[1]], confidence[:, : native[0], : native[1]]
    return resized_confidence(segment(network, image, image_size, inference), native)


def _is_single_view(native: Size, base: Size, inference: Inference) -> bool:
    """Whether the network sees the image once and as a whole."""
    sizes, window = _view_sizes(base, inference), _at_training_scale(inference, native, base).window
    return len(sizes) == 1 and not inference.flip and _fits(sizes[0], window)


def _single_view(network: Network, image: Image, base: Size, inference: Inference) -> tuple[Logits, Size]:
    """Logits in the network's precision, and the size to resize them to, whose upper left part is the image.

    Where the network sees the image at its own size, its logits are resized once, from where it computes them.
    """
    native, size = _size(image), _view_sizes(base, inference)[0]
    if size == native and isinstance(network, ReadyNetwork):
        return network.coarse(image)
    return network(_resized_image(image, size)), native


def needs_windows(native: Size, image_size: Size | None, inference: Inference) -> bool:
    """Whether an image of this size is cut into windows in any view; else it is seen as a whole."""
    base = image_size or native
    window = _at_training_scale(inference, native, base).window
    return not all(_fits(size, window) for size in _view_sizes(base, inference))


def _at_training_scale(inference: Inference, native: Size, base: Size) -> Inference:
    """The same settings with window and stride in pixels of an image that was resized from native to base."""
    if inference.window is None or native == base:
        return inference
    window, stride = (pair and _resized_pair(pair, native, base) for pair in (inference.window, inference.stride))
    assert window
    if min(min(each) for each in zip(window, base, strict=True)) < SMALLEST_SIDE:
        needed = [math.ceil(SMALLEST_SIDE * original / side) for original, side in zip(native, base, strict=True)]
        raise ValueError(
            f"window is {list(inference.window)} in images of {list(native)}, which are resized to {list(base)}, "
            f"the data.image_size of the training; the resized window is {list(window)}; allowed: at least "
            f"{SMALLEST_SIDE} each way; set window to at least {needed}, or leave it out"
        )
    return inference.model_copy(update={"window": window, "stride": stride})


def _resized_pair(pair: Size, native: Size, base: Size) -> Size:
    height, width = (max(1, round(length * new / old)) for length, old, new in zip(pair, native, base, strict=True))
    return height, width


def _view_sizes(base: Size, inference: Inference) -> list[Size]:
    return [_scaled(base, scale) for scale in inference.scales]


def _view_probability(network: Network, image: Tensor, flip: bool, native: Size, inference: Inference) -> Tensor:
    """Probabilities of one view at the native size; mirrored back after resizing, when they are smallest."""
    probability = resize_logits(_windowed_probability(network, image.flip(-1) if flip else image, inference), native)
    return probability.flip(-1) if flip else probability


def _add(total: Tensor | None, probability: Tensor) -> Tensor:
    """A function, so that no variable holds one view's probabilities while the next ones are computed."""
    return probability if total is None else total.add_(probability)


def _windowed_probability(network: Network, image: Tensor, inference: Inference) -> Tensor:
    size = _size(image)
    if inference.window is None or _fits(size, inference.window):
        return network(image).float().softmax(1)
    total: Tensor | None = None
    stride = inference.stride or _half(inference.window)
    for rows, columns, weight in windows(size, inference.window, stride, inference.blending):
        probability = network(image[..., rows, columns]).float().softmax(1)
        if total is None:
            total = probability.new_zeros(*probability.shape[:2], *size)
        total[..., rows, columns] += probability.mul_(weight.to(probability.device, non_blocking=True))
    assert total is not None
    return total


def _resized_image(image: Tensor, size: Size) -> Tensor:
    """Resize as the validation during training does."""
    return image if _size(image) == size else transform.resize(image, list(size), antialias=True)


def _size(maps: Tensor) -> Size:
    return maps.shape[-2], maps.shape[-1]


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _half(window: Size) -> Size:
    return max(1, window[0] // 2), max(1, window[1] // 2)


def _fits(size: Size, window: Size | None) -> bool:
    return window is None or (size[0] <= window[0] and size[1] <= window[1])
