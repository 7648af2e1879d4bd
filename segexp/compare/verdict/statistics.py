"""Is the difference between two variants real? Intervals and p-values from per-image counts of runs paired by seed.

Two things vary that a researcher does not care for: the seed, of which there are few, and the images that happen to be
in the split. The spread over images is found by the bootstrap (Efron 1979), which knows nothing of the shape of a mean
IoU; that over seeds by the paired t-test, because a bootstrap over three seeds covers far less than it says. The
squares of their half-widths add up (Zou and Donner 2008, MOVER), which is exact where one of the two vanishes.
Images that follow each other in a video resemble each other: they are resampled in blocks (Künsch 1989) as long as
their correlation asks for (Politis and White 2004), and count as no more images than there are blocks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from segexp.types import Floats

Integers = npt.NDArray[np.integer]
NUM_RESAMPLES = 1000
MOST_SEEDS = 1000


class Difference(NamedTuple):
    """How much better a variant is than the baseline, in mIoU of the split, and how sure that is.

    low, high: 95 % interval, over seeds and images; of the images alone if there is one seed.
    p_value: of no difference at all, two-sided; NaN if there is one seed. seed_variance, image_variance: of one pair
    of runs, and of the mean of all pairs over other images. block_length: images in a row that were resampled together.
    """

    value: float
    low: float
    high: float
    p_value: float
    num_seeds: int
    num_images: int
    seed_variance: float
    image_variance: float
    block_length: int = 1

    @property
    def num_blocks(self) -> float:
        """How many independent images the images are worth."""
        return self.num_images / self.block_length


def resamples(num_images: int, count: int = NUM_RESAMPLES, seed: int = 0, block_length: int = 1) -> Floats:
    """How often each image is drawn in each of `count` draws with replacement, [count, N]; the same for all runs.

    block_length: images in a row that are drawn together; the last is followed by the first.
    """
    starts = np.random.default_rng(seed).integers(0, num_images, (count, -(-num_images // block_length)))
    drawn = (starts[:, :, None] + np.arange(block_length)).reshape(count, -1)[:, :num_images] % num_images
    number_of_draw = np.repeat(np.arange(count), num_images)
    counts = np.bincount(number_of_draw * num_images + drawn.ravel(), minlength=count * num_images)
    return counts.reshape(count, num_images).astype(np.float64)


def block_length(differences: Sequence[Floats]) -> int:
    """How many images in a row to resample together, from the scores of images in the order of their names.

    differences: of each variant from the baseline, image by image, [N]. The length that the most correlated of them
    asks for (Politis and White 2004, for an autoregressive process of order one), at most a third of the images; 1
    where chance explains the correlation of neighbours.
    """
    lengths = [1]
    for scores in differences:
        num_images, correlation = len(scores), _neighbour_correlation(scores)
        if correlation > special.ndtri(1 - 0.05 / len(differences)) / np.sqrt(num_images):
            unbiased = min(0.98, correlation + (1 + 3 * correlation) / num_images)  # Marriott and Pope 1954
            wanted = (6 * (unbiased / (1 - unbiased**2)) ** 2 * num_images) ** (1 / 3)
            lengths.append(min(int(np.ceil(wanted)), num_images // 3))
    return max(lengths)


def _neighbour_correlation(scores: Floats) -> float:
    """Correlation of the score of each image with that of the next; images without a score count as average."""
    centred = np.nan_to_num(scores - np.nanmean(scores))
    power = (centred**2).sum()
    return float((centred[1:] * centred[:-1]).sum() / power) if power > 0 else 0.0


def difference(
    variant: Sequence[Floats], baseline: Sequence[Floats], num_images: int, block_length: int = 1
) -> Difference:
    """Estimate how much better a variant is than the baseline.

    variant, baseline: a score of each seed on the split and on each resample, [1 + B]; the same resamples, and the same
    order of seeds.
    """
    pairs = np.stack(variant) - np.stack(baseline)  # seed resample
    pairs = pairs[:, ~np.isnan(pairs).any(0)]  # in some resamples a rare class does not occur
    num_seeds, mean = len(pairs), float(pairs[:, 0].mean())
    num_blocks = num_images / block_length
    unbiased = num_blocks / (num_blocks - 1) if num_blocks > 1 else np.inf
    if num_seeds == 1:
        seed_variance, image_variance = np.nan, float(pairs[0, 1:].var(ddof=1))
    else:
        seed_variance, image_variance = float(pairs[:, 0].var(ddof=1)), _shared_variance(pairs[:, 1:])
    image_variance *= unbiased if image_variance else 1.0
    estimate = Difference(mean, mean, mean, np.nan, num_seeds, num_images, seed_variance, image_variance, block_length)
    half = float(_half_width(0.05, estimate, num_seeds))
    p_value = np.nan if num_seeds == 1 else _p_value(estimate)
    return estimate._replace(low=mean - half, high=mean + half, p_value=p_value)


def seeds_needed(estimate: Difference, resolution: float = 0.003, level: float = 0.05) -> int | None:
    """How many seeds make the interval no wider than ± resolution; None if no number of them does on so few images.

    level: how often the interval may miss the true difference.
    """
    counts = np.arange(2, MOST_SEEDS + 1)
    return _first(counts, _half_width(level, estimate, counts) <= resolution)


def seeds_to_detect(estimate: Difference, level: float = 0.05, power: float = 0.8) -> int | None:
    """About how many seeds tell a difference of this size from 0 as often as `power` says; None if no number does."""
    counts = np.arange(2, MOST_SEEDS + 1)
    spread = np.sqrt(estimate.seed_variance / counts + estimate.image_variance)
    reach = _half_width(level, estimate, counts) + special.stdtrit(counts - 1, power) * spread
    return _first(counts, reach <= abs(estimate.value))


def _first(counts: Integers, enough: npt.NDArray[np.bool_]) -> int | None:
    return int(counts[enough.argmax()]) if enough.any() else None


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
    """Variance over resampled images [seed, B] that all seeds share; the part of each seed alone is in their spread."""
    num_seeds = len(resampled)
    of_mean, of_each = resampled.mean(0).var(ddof=1), resampled.var(1, ddof=1).mean()
    return max(0.0, float((num_seeds * of_mean - of_each) / (num_seeds - 1)))


def _half_width(level: float, estimate: Difference, num_seeds: int | Integers) -> Floats:
    """Half width of the interval that misses the true difference with probability `level`.

    With one seed the interval is over the images only.
    """
    if estimate.num_blocks <= 1:
        return np.full(np.shape(num_seeds), np.inf)  # one image tells nothing of others
    of_images = special.stdtrit(estimate.num_blocks - 1, level / 2) ** 2 * estimate.image_variance
    if estimate.num_seeds == 1:
        return np.sqrt(of_images)
    of_seeds = special.stdtrit(num_seeds - 1, level / 2) ** 2 * estimate.seed_variance / num_seeds
    return np.sqrt(of_seeds + of_images)


def _p_value(estimate: Difference) -> float:
    """The level at which the interval just touches 0; bisection, as SciPy's solvers take 0.3 s to import."""
    if estimate.value == 0 or estimate.seed_variance + estimate.image_variance == 0:
        return float(estimate.value == 0)
    low, high = -230.0, 0.0  # logarithms; 1e-100 is as good as 0
    for _ in range(60):
        middle = (low + high) / 2
        is_wider = _half_width(np.exp(middle), estimate, estimate.num_seeds) > abs(estimate.value)
        low, high = (middle, high) if is_wider else (low, middle)
    return float(np.exp(high))
