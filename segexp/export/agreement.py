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
NUM_IMAGES = 8
"""Of one size, at most. In each a tenth of the pixels of a right SegNet may differ, hardly ever the same in all."""


class Agreement(NamedTuple):
    """One comparison. image: its shape. largest_logit: absolute, over all pixels and classes of the first image.

    largest_difference: absolute, over all pixels and classes; of each pixel in the image where it differs least.
    pixels_of_another_class: of the first image, as a fraction; where two classes are all but equal, rounding decides.
    num_images: how many images it took; see `compare`.
    """

    image: list[int]
    largest_logit: float
    largest_difference: float
    pixels_of_another_class: float
    num_images: int


def compare(model: Network, exported: Network, image_size: Size | None, tolerance: float) -> list[Agreement]:
    """Both networks on the same random images: at odd sizes, and at [H, W] of the training, NATIVE where that is None.

    One image of a size, if no pixel differs by more than the tolerance of `refuse_difference`. Else further ones, until
    each pixel has agreed in one of them: where max pooling is asked which of two all but equal values is the larger,
    rounding answers, and SegNet then puts a feature elsewhere. A file that is wrong stays so in every image.
    Raises ValueError where the exported network fails, or its logits are not float32 of the model's shape.
    """
    shapes = (*ODD, (1, *(image_size or NATIVE)))
    return [_compare(model, exported, shape, tolerance) for shape in shapes]


def refuse_difference(found: Sequence[Agreement], tolerance: float) -> None:
    """Raise ValueError if a logit differs by more than tolerance times the largest logit, or is not finite."""
    for each in found:
        if not each.largest_difference <= tolerance * each.largest_logit < float("inf"):
            raise ValueError(
                f"the exported network is not the trained one: at {each.image} a logit differs by "
                f"{each.largest_difference:.3g}, where the largest is {each.largest_logit:.3g}; allowed is "
                f"tolerance={tolerance:g} of that; nothing was written: use another format=, or, if that is close "
                "enough for you, a larger tolerance="
            )


@torch.inference_mode()
def _compare(model: Network, exported: Network, shape: tuple[int, int, int], tolerance: float) -> Agreement:
    image = _random_image(*shape, 0)
    expected, found = _logits(model, exported, image)
    largest, others = expected.abs().max().item(), prediction(found) != prediction(expected)
    difference, num_images = _difference(expected, found), 1
    while difference.max() > tolerance * largest and num_images < NUM_IMAGES:
        further = _logits(model, exported, _random_image(*shape, num_images))
        difference, num_images = difference.minimum(_difference(*further)), num_images + 1
    return Agreement(list(image.shape), largest, difference.max().item(), others.float().mean().item(), num_images)


def _logits(model: Network, exported: Network, image: Tensor) -> tuple[Tensor, Tensor]:
    expected, found = model(image), exported(image)
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise ValueError(
            f"the exported network answers {list(image.shape)} with {found.dtype} {list(found.shape)} instead of "
            f"{expected.dtype} {list(expected.shape)}; nothing was written: use another format="
        )
    return expected, found


def _difference(expected: Tensor, found: Tensor) -> Tensor:
    """Largest of each pixel, [B, H, W]; NaN where it is not finite, which no minimum hides."""
    difference = (found - expected).abs().amax(1)
    return difference.where(difference.isfinite(), torch.nan)


def _random_image(batch: int, height: int, width: int, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(height * width + number)
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8, generator=generator)
