"""The images on which variants differ most."""

from typing import NamedTuple

import numpy as np

from segexp.compare.report.provenance import baseline_run
from segexp.compare.verdict.comparison import Comparison
from segexp.types import Floats

MOST_IMAGES = 8


class ImageSpread(NamedTuple):
    """mIoU of each variant on one image, mean over seeds, in the order of the rows; spread: largest minus least."""

    name: str
    miou: Floats
    spread: float


def most_different_images(comparison: Comparison) -> list[ImageSpread]:
    """The images with the largest spread, the largest first; none if there is one variant only."""
    names = baseline_run(comparison).image_names
    scores = np.stack([_mean_over_seeds(comparison, row.name) for row in comparison.rows])  # variant image
    spread = scores.max(0) - scores.min(0)
    order = np.argsort(-spread, kind="stable")[:MOST_IMAGES]
    return [ImageSpread(names[n], scores[:, n], float(spread[n])) for n in order] if len(scores) > 1 else []


def _mean_over_seeds(comparison: Comparison, name: str) -> Floats:
    return np.mean([run.image_miou for run in comparison.variants[name].values()], axis=0)
