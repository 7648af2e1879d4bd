"""Runs whose true difference is known: recalls of classes on images, with effects of variant, seed and image."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SHARE = np.array([0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.02])
Confusions = npt.NDArray[np.int64]


class Effects(NamedTuple):
    """variant: its effect on the logit of the recall; the others: standard deviations of what seeds and images add.

    image: to all runs alike. interaction: to the runs of one variant alike.
    """

    variant: float
    seed: float
    image: float
    interaction: float


def simulated(
    rng: np.random.Generator, num_seeds: int, num_images: int, effects: Effects
) -> tuple[list[Confusions], list[Confusions]]:
    """Per-image confusion matrices of each seed of the baseline and of the variant."""
    shape = (num_images, len(SHARE))
    pixels = np.round(rng.dirichlet(8 * SHARE, num_images) * 10_000)
    difficulty = 1 + rng.normal(0, effects.image, shape)
    baseline, variant = (
        [
            _confusions(
                pixels,
                difficulty
                + level
                + own
                + rng.normal(0, effects.seed, (1, len(SHARE)))  # of the run
                + rng.normal(0, 0.3, shape),  # of the run on each image
            )
            for _ in range(num_seeds)
        ]
        for level, own in ((0, 0), (effects.variant, rng.normal(0, effects.interaction, shape)))
    )
    return baseline, variant


def _confusions(pixels: npt.NDArray[np.float64], logit: npt.NDArray[np.float64]) -> Confusions:
    hits = np.round(pixels / (1 + np.exp(-logit)))
    misses = SHARE * (1 - np.eye(len(SHARE)))
    confusions = (pixels - hits)[:, :, None] * misses / misses.sum(1, keepdims=True)
    confusions[:, range(len(SHARE)), range(len(SHARE))] = hits
    return confusions.astype(np.int64)
