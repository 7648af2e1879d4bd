"""Is the difference between two variants real? Intervals and p-values from per-image counts of runs paired by seed.

Two things vary that a researcher does not care for: the seed, of which there are few, and the images that happen to be
in the split. The spread over images is found by the bootstrap (Efron 1979), which knows nothing of the shape of a mean
IoU; that over seeds by the paired t-test, because a bootstrap over three seeds covers far less than it says. The
squares of their half-widths add up (Zou and Donner 2008, MOVER), which is exact where one of the two vanishes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

Floats = npt.NDArray[np.float64]
NUM_RESAMPLES = 1000
MOST_SEEDS = 1000


class Difference(NamedTuple):
    """How much better a variant is than the baseline, in mIoU of the split, and how sure that is.

    low, high: 95 % interval, over seeds and images; of the images alone if there is one seed.
    p_value: of no difference at all, two-sided; NaN if there is one seed. seed_variance, image_variance: of one pair
    of runs, and of the mean of all pairs over other images.
    """

    value: float
    low: float
    high: float
    p_value: float
    num_seeds: int
    num_images: int
    seed_variance: float
    image_variance: float


def regions(confusions: npt.NDArray[np.int64]) -> Floats:
    """Pixels in the intersection and in the union of each class on each image: [N, C, C] -> [N, C, 2]."""
    intersection = np.diagonal(confusions, axis1=1, axis2=2)
    union = confusions.sum(1) + confusions.sum(2) - intersection
    return np.stack([intersection, union], -1).astype(np.float64)


def miou(region: Floats) -> Floats:
    """Mean IoU from intersections and unions summed over images, [..., C, 2] -> [...]; absent classes are left out."""
    union = region[..., 1]
    iou = np.divide(region[..., 0], union, out=np.zeros_like(union), where=union > 0)
    return iou.sum(-1) / np.maximum((union > 0).sum(-1), 1)


def resamples(num_images: int, count: int = NUM_RESAMPLES, seed: int = 0) -> Floats:
    """How often each image is drawn in each of `count` draws with replacement, [count, N]; the same for all runs."""
    drawn = np.random.default_rng(seed).multinomial(num_images, np.full(num_images, 1 / num_images), count)
    return drawn.astype(np.float64)


def resampled_miou(region: Floats, weights: Floats) -> Floats:
    """Mean IoU of one run on the split itself, then on each resample: [N, C, 2], [B, N] -> [1 + B]."""
    every = np.concatenate([np.ones((1, len(region))), weights])
    return miou((every @ region.reshape(len(region), -1)).reshape(len(every), *region.shape[1:]))


def difference(variant: Sequence[Floats], baseline: Sequence[Floats], num_images: int) -> Difference:
    """Of a variant from a baseline; both: `resampled_miou` of each seed on the same resamples, in the same order."""
    pairs = np.stack(variant) - np.stack(baseline)  # seed resample
    num_seeds, mean = len(pairs), float(pairs[:, 0].mean())
    of_images = pairs[:, 1:].mean(0)
    if num_seeds == 1:
        low, high = np.quantile(of_images, (0.025, 0.975))
        return Difference(mean, float(low), float(high), np.nan, 1, num_images, np.nan, float(of_images.var(ddof=1)))
    image_variance = _shared_variance(pairs[:, 1:])
    seed_variance = float(pairs[:, 0].var(ddof=1))
    half = _half_width(0.05, seed_variance, image_variance, num_seeds)
    p_value = _p_value(mean, seed_variance, image_variance, num_seeds)
    return Difference(mean, mean - half, mean + half, p_value, num_seeds, num_images, seed_variance, image_variance)


def seeds_needed(found: Difference, resolution: float = 0.003) -> int | None:
    """How many seeds make the interval no wider than ± resolution; None if no number of them does on so few images."""
    for num_seeds in range(2, MOST_SEEDS + 1):
        if _half_width(0.05, found.seed_variance, found.image_variance, num_seeds) <= resolution:
            return num_seeds
    return None


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values for the question whether any of them is a false alarm (Holm 1979); NaN stays NaN and does not count."""
    values = np.asarray(p_values, np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested])]
    adjusted = np.full(len(values), np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * values[order]))
    return adjusted.tolist()


def _shared_variance(resampled: Floats) -> float:
    """Variance over resampled images [seed, B] that all seeds share; what each has of its own is in their spread."""
    num_seeds = len(resampled)
    of_mean, of_each = resampled.mean(0).var(ddof=1), resampled.var(1, ddof=1).mean()
    return max(0.0, float((num_seeds * of_mean - of_each) / (num_seeds - 1)))


def _half_width(level: float, seed_variance: float, image_variance: float, num_seeds: int) -> float:
    """Of the interval that misses the truth with probability `level`."""
    of_seeds = stats.t.isf(level / 2, num_seeds - 1) ** 2 * seed_variance / num_seeds
    of_images = stats.norm.isf(level / 2) ** 2 * image_variance
    return float(np.sqrt(of_seeds + of_images))


def _p_value(mean: float, seed_variance: float, image_variance: float, num_seeds: int) -> float:
    """The level at which the interval just touches 0."""
    if mean == 0 or seed_variance + image_variance == 0:
        return float(mean == 0)

    def beyond(log_level: float) -> float:
        return _half_width(np.exp(log_level), seed_variance, image_variance, num_seeds) - abs(mean)

    smallest = -230.0  # 1e-100 is as good as 0
    return float(np.exp(optimize.brentq(beyond, smallest, 0))) if beyond(smallest) > 0 else 0.0
