"""Whether an exported file computes what the network computes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from segexp.inference.segment import Network
from segexp.metric.confusion import prediction
from segexp.types import Size

ODD = ((2, 33, 47), (1, 32, 32), (1, 101, 131))
"""[batch, height, width]: sizes that no stride divides, two images, the smallest image."""
NATIVE = (256, 512)
MAX_IMAGES = 8
"""Images of one size, at most. In each a tenth of the pixels of a right SegNet may differ, rarely the same ones."""


class ParityCheck(NamedTuple):
    """The comparison of two networks at one size.

    image: shape of the input. largest_logit: absolute, over all pixels and classes of the first image.
    largest_difference: absolute, over all pixels and classes; each pixel counts in the image where it differs least.
    pixels_of_another_class: fraction of the first image; where two classes are all but equal, rounding decides.
    num_images: how many images it took; see `compare_networks`.
    """

    image: list[int]
    largest_logit: float
    largest_difference: float
    pixels_of_another_class: float
    num_images: int


def compare_networks(model: Network, exported: Network, image_size: Size | None, tolerance: float) -> list[ParityCheck]:
    """Run both networks on the same random images, at odd sizes and at image_size, NATIVE where that is None.

    image_size: [H, W] of the training. One image of a size is enough if no pixel differs by more than the tolerance of
    `refuse_difference`. Else further ones follow, until each pixel has agreed in one of them: where max pooling is
    asked which of two all but equal values is the larger, rounding answers, and SegNet then puts a feature elsewhere.
    A file that is wrong stays so in every image.
    Raises ValueError where the exported network fails, or its logits are not float32 of the model's shape.
    """
    shapes = (*ODD, (1, *(image_size or NATIVE)))
    return [_compare_at(model, exported, shape, tolerance) for shape in shapes]


def refuse_difference(checks: Sequence[ParityCheck], tolerance: float) -> None:
    """Raise ValueError if a logit differs by more than tolerance times the largest logit, or is not finite."""
    for check in checks:
        if not check.largest_difference <= tolerance * check.largest_logit < float("inf"):
            raise ValueError(
                f"the exported network is not the trained one: at {check.image} a logit differs by "
                f"{check.largest_difference:.3g}, where the largest is {check.largest_logit:.3g}; allowed: "
                f"tolerance={tolerance:g} of the largest; nothing was written: use another format=, or, if that is "
                "close enough for you, a larger tolerance="
            )


@torch.inference_mode()
def _compare_at(model: Network, exported: Network, shape: tuple[int, int, int], tolerance: float) -> ParityCheck:
    image = _random_image(*shape, 0)
    expected, actual = _both_logits(model, exported, image)
    largest, is_other_class = expected.abs().max().item(), prediction(actual) != prediction(expected)
    difference, num_images = _difference(expected, actual), 1
    while difference.max() > tolerance * largest and num_images < MAX_IMAGES:
        further = _both_logits(model, exported, _random_image(*shape, num_images))
        difference, num_images = difference.minimum(_difference(*further)), num_images + 1
    other_class = is_other_class.float().mean().item()
    return ParityCheck(list(image.shape), largest, difference.max().item(), other_class, num_images)


def _both_logits(model: Network, exported: Network, image: Tensor) -> tuple[Tensor, Tensor]:
    expected, actual = model(image), exported(image)
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        raise ValueError(
            f"the exported network answers {list(image.shape)} with {actual.dtype} {list(actual.shape)} instead of "
            f"{expected.dtype} {list(expected.shape)}; nothing was written: use another format="
        )
    return expected, actual


def _difference(expected: Tensor, actual: Tensor) -> Tensor:
    """Largest difference in each pixel, [B, H, W]; NaN where a logit is not finite, which no minimum hides."""
    difference = (actual - expected).abs().amax(1)
    return difference.where(difference.isfinite(), torch.nan)


def _random_image(batch: int, height: int, width: int, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(height * width + number)
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8, generator=generator)
