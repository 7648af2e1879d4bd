"""Whether an exported file computes what the network computes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from segexp.inference.segment import Network
from segexp.inference.settings import Size
from segexp.metric.confusion import prediction

ODD = ((2, 33, 47), (1, 32, 32), (1, 101, 131))
"""[batch, height, width]: sizes that no stride divides, two images, the smallest image."""
NATIVE = (256, 512)


class Agreement(NamedTuple):
    """One comparison. image: its shape. largest_logit, largest_difference: absolute, over all pixels and classes.

    pixels_of_another_class: as a fraction; where two classes are all but equal, rounding decides.
    """

    image: list[int]
    largest_logit: float
    largest_difference: float
    pixels_of_another_class: float


def compare(model: Network, exported: Network, image_size: Size | None) -> list[Agreement]:
    """Both networks on the same random images: at odd sizes, and at [H, W] of the training, NATIVE where that is None.

    Raises ValueError where the exported network fails, or its logits are not float32 of the model's shape.
    """
    shapes = (*ODD, (1, *(image_size or NATIVE)))
    return [_compare(model, exported, _random_image(*shape)) for shape in shapes]


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
def _compare(model: Network, exported: Network, image: Tensor) -> Agreement:
    expected, found = model(image), exported(image)
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise ValueError(
            f"the exported network answers {list(image.shape)} with {found.dtype} {list(found.shape)} instead of "
            f"{expected.dtype} {list(expected.shape)}; nothing was written: use another format="
        )
    others = prediction(found) != prediction(expected)
    largest, difference = expected.abs().max().item(), (found - expected).abs().max().item()
    return Agreement(list(image.shape), largest, difference, others.float().mean().item())


def _random_image(batch: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height * width)
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8, generator=generator)
