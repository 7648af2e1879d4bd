"""The mean IoU of single images: how good the usual image is, and how bad the worst ones are."""

from collections.abc import Mapping

import numpy as np

from segexp.metric.metric import Classes, Scores, SegmentedImage
from segexp.metric.scores import image_miou
from segexp.metric.sums import ratio
from segexp.types import Counts, Floats


class ImageMiou:
    """The mean IoU of each image over the classes in it: its mean over images, and that of the worst of them.

    worst: the share of the images with the lowest mean IoU, at least one image.
    Source: Wang et al. 2023, arXiv:2310.19252.
    """

    needs = ("confusions",)
    lower_is_better = ()

    def __init__(self, worst: float) -> None:
        if not 0 < worst <= 1:
            raise ValueError(
                f"metric.image_miou.worst is {worst}; allowed: a share of the images, above 0 and at most 1"
            )
        self.worst = worst

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        return {}

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        of_images = image_miou(counts["confusions"])
        known = np.flatnonzero(~np.isnan(of_images))
        ascending = known[np.argsort(of_images[known], kind="stable")]
        drawn = np.ones((1, len(of_images))) if weights is None else weights
        drawn = drawn[:, ascending]
        total = drawn.sum(1, keepdims=True)
        num_worst = np.maximum(1, np.floor(self.worst * total + 1e-9))
        before = np.cumsum(drawn, 1) - drawn
        of_worst = np.clip(num_worst - before, 0, drawn)
        return {
            "image_miou": ratio(drawn @ of_images[ascending], total[:, 0]),
            f"image_miou_worst_{100 * self.worst:g}_percent": ratio(of_worst @ of_images[ascending], of_worst.sum(1)),
        }
