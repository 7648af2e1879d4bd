"""Intervals cover what they should, p-values raise no false alarms, and mean IoU is that of the metric room."""

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from segexp.compare.verdict import statistics
from segexp.compare.verdict.statistics import (
    Difference,
    difference,
    holm,
    resamples,
)
from segexp.metric import scores, sums
from segexp.metric.metric import Classes
from segexp.metric.overlap import Overlap, class_iou, pixels_of_classes
from segexp.types import Counts, Floats
from tests.compare.verdict.simulation import Effects, simulated

NUM_EXPERIMENTS = 800
MONTE_CARLO = 3 * np.sqrt(0.05 * 0.95 / NUM_EXPERIMENTS)  # three standard errors: 0.023


NUM_DRAWS = 20
"""So many sets of resamples are drawn once and taken in turn: drawing costs as much as all the rest."""


def resampled_miou(runs: Sequence[Counts], weights: Floats) -> Floats:
    """Mean IoU of each run on the split itself, then on each resample, [R, 1 + B]."""
    pixels = np.stack([pixels_of_classes(confusions) for confusions in runs], 1)  # image run class 3
    return np.concatenate([sums.mean(class_iou(sums.summed(pixels, each))) for each in (None, weights)]).T


@cache
def draws(num_images: int, number: int, block_length: int = 1) -> Floats:
    return resamples(num_images, 200, number, block_length)


def estimate_difference(rng: np.random.Generator, num_seeds: int, num_images: int, effects: Effects) -> Difference:
    baseline, variant = simulated(rng, num_seeds, num_images, effects)
    scores_of_runs = resampled_miou([*variant, *baseline], draws(num_images, int(rng.integers(NUM_DRAWS))))
    return difference(scores_of_runs[:num_seeds], scores_of_runs[num_seeds:], num_images=num_images)


def split_miou(confusions: Counts) -> float:
    return scores.mean(scores.class_iou(confusions.sum(0)))


def true_difference(effects: Effects) -> float:
    """The difference over very many runs on very many images."""
    rng = np.random.default_rng(7)
    differences = []
    for _ in range(150):
        baseline, variant = simulated(rng, 2, 1000, effects)
        pairs = zip(baseline, variant, strict=True)
        differences += [split_miou(b) - split_miou(a) for a, b in pairs]
    return float(np.mean(differences))


@pytest.mark.parametrize(
    ("num_seeds", "num_images", "effects"),
    [
        (3, 100, Effects(0.2, seed=0.15, image=0.5, interaction=0.1)),
        (3, 100, Effects(0.2, seed=0.02, image=0.5, interaction=0.3)),
        (5, 60, Effects(0.2, seed=0.1, image=0.3, interaction=0.0)),
        (2, 100, Effects(0.2, seed=0.1, image=0.5, interaction=0.1)),
    ],
)
def test_the_interval_covers_the_true_difference_as_often_as_it_says(
    num_seeds: int, num_images: int, effects: Effects
) -> None:
    rng, expected = np.random.default_rng(1), true_difference(effects)
    experiments = [estimate_difference(rng, num_seeds, num_images, effects) for _ in range(NUM_EXPERIMENTS)]
    coverage = np.mean([estimate.low <= expected <= estimate.high for estimate in experiments])
    assert abs(coverage - 0.95) < MONTE_CARLO


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_no_difference_raises_no_more_alarms_than_the_level(num_seeds: int) -> None:
    rng, effects = np.random.default_rng(2), Effects(0.0, seed=0.1, image=0.5, interaction=0.1)
    alarms = [estimate_difference(rng, num_seeds, 60, effects).p_value < 0.05 for _ in range(NUM_EXPERIMENTS)]
    assert np.mean(alarms) < 0.05 + MONTE_CARLO


def test_a_difference_far_larger_than_its_spread_is_found() -> None:
    estimate = estimate_difference(
        np.random.default_rng(3), 3, 100, Effects(1.0, seed=0.02, image=0.3, interaction=0.0)
    )
    assert estimate.low > 0
    assert estimate.p_value < 0.01


def test_p_value_is_the_level_at_which_the_interval_touches_zero() -> None:
    estimate = estimate_difference(np.random.default_rng(4), 3, 100, Effects(0.1, seed=0.1, image=0.5, interaction=0.1))
    half = statistics._half_width(estimate.p_value, estimate, estimate.num_seeds)
    assert half == pytest.approx(abs(estimate.value), rel=1e-6)


def test_one_seed_gives_an_interval_of_images_and_no_p_value() -> None:
    estimate = estimate_difference(np.random.default_rng(5), 1, 100, Effects(0.5, seed=0.1, image=0.5, interaction=0.1))
    assert estimate.low < estimate.value < estimate.high
    assert np.isnan(estimate.p_value)


def test_equal_runs_differ_by_nothing() -> None:
    (run,) = resampled_miou(simulated(np.random.default_rng(6), 1, 50, Effects(0, 0, 0.5, 0))[0], resamples(50))
    assert difference([run, run], [run, run], 50)[:4] == (0, 0, 0, 1)


def test_mean_iou_is_that_of_the_summed_matrix() -> None:
    rng = np.random.default_rng(8)
    confusions = rng.integers(0, 50, (20, 6, 6))
    confusions[:, 2] = confusions[:, :, 2] = 0  # a class that is never there
    drawn = rng.integers(0, 20, 20)
    weights = np.bincount(drawn, minlength=20)[None].astype(float)
    (resampled,) = resampled_miou([confusions], weights)
    classes = Classes(tuple("abcdef"), (None,) * 6, (), ())
    assert (Overlap().scores({"confusions": confusions}, weights, classes)["miou"] == resampled[1:]).all()
    assert resampled[0] == pytest.approx(scores.mean(scores.class_iou(confusions.sum(0))))
    assert resampled[1] == pytest.approx(scores.mean(scores.class_iou(confusions[drawn].sum(0))))


def test_more_seeds_are_asked_for_where_seeds_spread_and_none_help_against_few_images() -> None:
    few = Difference(0.01, 0, 0, 0.5, 3, 100, seed_variance=1e-6, image_variance=0)
    many = few._replace(seed_variance=1e-4)
    assert statistics.seeds_needed(few) < statistics.seeds_needed(many)
    needed = statistics.seeds_needed(many)
    assert statistics._half_width(0.05, many, needed) <= 0.003 < statistics._half_width(0.05, many, needed - 1)
    assert statistics.seeds_needed(few._replace(image_variance=1e-4)) is None


def test_as_many_seeds_as_are_asked_for_tell_the_difference_four_times_in_five() -> None:
    rng, estimate = np.random.default_rng(10), Difference(0.1, 0, 0, 0.5, 3, 100, seed_variance=0.01, image_variance=0)
    needed = statistics.seeds_to_detect(estimate)
    samples = rng.normal(estimate.value, 0.1, (20_000, needed))
    power = np.mean(stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05)
    assert 0.78 < power < 0.88  # the next whole number of seeds
    assert statistics.seeds_to_detect(estimate._replace(value=0.0)) is None


def video(rng: np.random.Generator, correlation: float, num_images: int) -> np.ndarray:
    """Scores of a video whose expected difference is 0, each image like its neighbour."""
    noise = rng.normal(size=num_images + 100)
    return lfilter([1], [1, -correlation], noise)[100:]


def misses(correlation: float, num_images: int, single_images: bool) -> float:
    """How often the interval of one pair of runs leaves out 0, the true difference."""
    rng, missed = np.random.default_rng(11), 0
    for number in range(NUM_EXPERIMENTS):
        images = video(rng, correlation, num_images)
        length = 1 if single_images else statistics.block_length([images])
        means = draws(num_images, number % NUM_DRAWS, length) @ images / num_images
        estimate = difference([np.array([images.mean(), *means])], [np.zeros(201)], num_images, length)
        missed += not estimate.low <= 0 <= estimate.high
    return missed / NUM_EXPERIMENTS


@pytest.mark.parametrize(("correlation", "num_images"), [(0.5, 200), (0.7, 500), (0.9, 500)])
def test_blocks_of_a_video_miss_little_more_than_they_say_and_single_images_far_more(
    correlation: float, num_images: int
) -> None:
    in_blocks, alone = (misses(correlation, num_images, single_images) for single_images in (False, True))
    assert in_blocks < 0.12  # neighbouring blocks are not quite independent: 0.05 is not reached
    assert alone > 2 * in_blocks


def test_independent_images_are_resampled_alone() -> None:
    rng = np.random.default_rng(12)
    lengths = [statistics.block_length([rng.normal(size=100) for _ in range(4)]) for _ in range(NUM_EXPERIMENTS)]
    assert np.mean(np.array(lengths) > 1) < 0.05 + MONTE_CARLO


def test_every_resample_draws_as_many_images_as_there_are_and_each_as_often_as_any_other() -> None:
    """In a resample the count of an image is a sum of draws whose chances sum up to 1: its variance is below 1."""
    five_standard_errors = 5 / np.sqrt(2000)
    for length in (1, 7, 33):
        drawn = resamples(100, 2000, block_length=length)
        assert (drawn.sum(1) == 100).all()
        assert drawn.mean(0) == pytest.approx(1, abs=five_standard_errors)


@pytest.mark.parametrize("num_images", [2, 5, 10])
def test_few_images_raise_no_more_alarms_than_the_level(num_images: int) -> None:
    rng, effects = np.random.default_rng(13), Effects(0.0, seed=0.0, image=0.5, interaction=0.3)
    alarms = [estimate_difference(rng, 3, num_images, effects).p_value < 0.05 for _ in range(NUM_EXPERIMENTS)]
    assert np.mean(alarms) < 0.05 + MONTE_CARLO


def test_one_image_decides_nothing() -> None:
    estimate = estimate_difference(np.random.default_rng(14), 3, 1, Effects(1.0, seed=0.0, image=0.5, interaction=0.3))
    assert estimate.p_value == pytest.approx(1)


def test_holm_is_closed_testing_with_bonferroni() -> None:
    p_values = np.random.default_rng(9).uniform(0, 0.2, 5)
    subsets = [subset for size in range(1, 6) for subset in itertools.combinations(range(5), size)]
    expected = [max(min(1, len(s) * min(p_values[list(s)])) for s in subsets if each in s) for each in range(5)]
    assert holm(p_values) == pytest.approx(expected)


def test_holm_does_not_count_what_was_not_tested() -> None:
    assert holm([np.nan, 0.01, 0.04]) == pytest.approx([np.nan, 0.02, 0.04], nan_ok=True)
