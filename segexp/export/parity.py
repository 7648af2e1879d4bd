"""Whether an exported file computes what the network computes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from segexp.export.interface import DEFAULT, Interface
from segexp.export.settings import Result
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
    Of class ids: the least difference of logits that explains the class, which is half of what its logit lacks.
    pixels_of_another_class: fraction of the first image; where two classes are all but equal, rounding decides.
    num_images: how many images it took; see `compare_networks`.
    """

    image: list[int]
    largest_logit: float
    largest_difference: float
    pixels_of_another_class: float
    num_images: int


def compare_networks(
    model: Network,
    exported: Network,
    image_size: Size | None,
    tolerance: float,
    interface: Interface = DEFAULT,
) -> list[ParityCheck]:
    """Run both networks on the same random images, at odd sizes and at image_size, NATIVE where that is None.

    model: image uint8 -> logits. exported: what interface says, which is fed from the same image uint8.
    image_size: [H, W] of the training; a file of a fixed size is compared at that alone.
    One image of a size is enough if no pixel differs by more than the tolerance of `refuse_difference`. Else further
    ones follow, until each pixel has agreed in one of them: where max pooling is asked which of two all but equal
    values is the larger, rounding answers, and SegNet then puts a feature elsewhere. A file that is wrong stays so in
    every image.
    Raises ValueError where the exported network fails, or answers in another type or shape than it should.
    """
    fixed = interface.fixed_size
    shapes = ((1, *fixed),) if fixed else (*ODD, (1, *(image_size or NATIVE)))
    exported = interface.feed(exported)
    return [_compare_at(model, exported, interface.result, shape, tolerance) for shape in shapes]


def refuse_difference(checks: Sequence[ParityCheck], tolerance: float) -> None:
    """Raise ValueError if a logit differs by more than tolerance times the largest logit, or is not finite."""
    for check in checks:
        if not check.largest_difference <= tolerance * check.largest_logit < float("inf"):
            raise ValueError(
                f"the exported network differs from the trained one: at {check.image} a logit differs by "
                f"{check.largest_difference:.3g}, where the largest is {check.largest_logit:.3g}; allowed: "
                f"tolerance={tolerance:g} of the largest; nothing was written: use another format=, or, if that is "
                "close enough for you, a larger tolerance="
            )


@torch.inference_mode()
def _compare_at(
    model: Network, exported: Network, result: Result, shape: tuple[int, int, int], tolerance: float
) -> ParityCheck:
    image = _random_image(*shape, 0)
    expected, actual = _both_answers(model, exported, result, image)
    class_ids = prediction(actual) if result == "logits" else actual
    largest, is_other_class = expected.abs().max().item(), class_ids != prediction(expected)
    difference, num_images = _difference(expected, actual), 1
    while difference.max() > tolerance * largest and num_images < MAX_IMAGES:
        further = _both_answers(model, exported, result, _random_image(*shape, num_images))
        difference, num_images = difference.minimum(_difference(*further)), num_images + 1
    other_class = is_other_class.float().mean().item()
    return ParityCheck(list(image.shape), largest, difference.max().item(), other_class, num_images)


def _both_answers(model: Network, exported: Network, result: Result, image: Tensor) -> tuple[Tensor, Tensor]:
    """The logits of the model, and what the exported network answers: logits or class ids."""
    expected, actual = model(image), exported(image)
    right = expected if result == "logits" else prediction(expected)
    if actual.shape != right.shape or actual.dtype != right.dtype:
        raise ValueError(
            f"the exported network answers {list(image.shape)} with {actual.dtype} {list(actual.shape)} instead of "
            f"{right.dtype} {list(right.shape)}; nothing was written: use another format="
        )
    if result == "class_ids" and actual.max() >= expected.shape[1]:
        raise ValueError(
            f"the exported network answers {list(image.shape)} with class {actual.max()} of {expected.shape[1]}; "
            "nothing was written: use another format="
        )
    return expected, actual


def _difference(expected: Tensor, actual: Tensor) -> Tensor:
    """Largest difference in each pixel, [B, H, W]; NaN where a logit is not finite, which no minimum hides."""
    if actual.dtype == torch.uint8:
        difference = (expected.amax(1) - expected.gather(1, actual[:, None].long())[:, 0]) / 2
    else:
        difference = (actual - expected).abs().amax(1)
    return difference.where(difference.isfinite(), torch.nan)


def _random_image(batch: int, height: int, width: int, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(height * width + number)
    return torch.randint(0, 256, (batch, 3, height, width), dtype=torch.uint8, generator=generator)
