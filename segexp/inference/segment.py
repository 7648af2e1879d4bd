"""A network and an image of any size -> logits at the image's own size."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as transform

from segexp.inference.settings import Inference
from segexp.inference.window import pieces
from segexp.types import Image, Logits, Size

Network = Callable[[Tensor], Tensor]
LEAST = 1e-30


@torch.inference_mode()
def segment(network: Network, image: Image, image_size: Size | None, how: Inference) -> Logits:
    """Logits of a batch of images of one size, float32 [B, C, H, W], at that size and on their device.

    image_size: [height, width] that the network was trained at, None for the images' own.
    Several views or windows: the logarithm of their mean probability, whose softmax that is. Beside the answer this
    holds one view's probabilities and what the network needs for one piece, however many pieces there are.
    """
    native = _size(image)
    base = image_size or native
    sizes, flips = [_scaled(base, scale) for scale in how.scales], (False, True) if how.flip else (False,)
    if len(sizes) == len(flips) == 1 and _is_whole(sizes[0], how.window):
        return _resized(_logits(network, _resized_image(image, sizes[0]), how), native)
    total: Tensor | None = None
    for size in sizes:
        resized = _resized_image(image, size)
        for flip in flips:
            total = _added(total, _view(network, resized, flip, native, how))
    assert total is not None
    return total.div_(len(sizes) * len(flips)).clamp_min_(LEAST).log_()


def _view(network: Network, image: Tensor, flip: bool, native: Size, how: Inference) -> Tensor:
    """Probabilities at the native size; mirrored back after resizing, when they are smallest."""
    probability = _resized(_windowed(network, image.flip(-1) if flip else image, how), native)
    return probability.flip(-1) if flip else probability


def _added(total: Tensor | None, probability: Tensor) -> Tensor:
    return probability if total is None else total.add_(probability)


def _windowed(network: Network, image: Tensor, how: Inference) -> Tensor:
    size = _size(image)
    if how.window is None or _is_whole(size, how.window):
        return _logits(network, image, how).softmax(1)
    whole: Tensor | None = None
    for rows, columns, weight in pieces(size, how.window, how.stride or _half(how.window), how.blending):
        probability = _logits(network, image[..., rows, columns], how).softmax(1)
        if whole is None:
            whole = probability.new_zeros(*probability.shape[:2], *size)
        whole[..., rows, columns] += probability.mul_(weight.to(probability.device, non_blocking=True))
    assert whole is not None
    return whole


def _logits(network: Network, image: Tensor, how: Inference) -> Tensor:
    dtype = getattr(torch, how.precision)
    with torch.autocast(image.device.type, dtype, enabled=dtype is not torch.float32):
        return network(image).float()


def _resized_image(image: Tensor, size: Size) -> Tensor:
    """As validation does it during training."""
    return image if _size(image) == size else transform.resize(image, list(size), antialias=True)


def _resized(maps: Tensor, size: Size) -> Tensor:
    if _size(maps) == size:
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _size(maps: Tensor) -> Size:
    return maps.shape[-2], maps.shape[-1]


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _half(window: Size) -> Size:
    return max(1, window[0] // 2), max(1, window[1] // 2)


def _is_whole(size: Size, window: Size | None) -> bool:
    return window is None or (size[0] <= window[0] and size[1] <= window[1])
