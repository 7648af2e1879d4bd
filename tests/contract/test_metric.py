"""What every file of conf/metric promises: whole numbers of images, and scores that follow from them alone."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from segexp import build
from segexp.metric.metric import Metric, Scores, SegmentedImage
from segexp.metric.overlap import Overlap
from segexp.types import Counts, Floats
from tests.metric.segmented import CLASSES, count_all, segmented, with_other_void
from tests.options import option_settings, options

pytestmark = pytest.mark.fast

OPTIONS = [option for option in options("metric") if option != "default"]  # which only composes the others
NUM_IMAGES = 7
IMAGES = [segmented(seed) for seed in range(NUM_IMAGES)]


@pytest.fixture(params=OPTIONS)
def option(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def metric(option: str) -> Metric:
    (metric,) = build.metrics(option_settings("metric", option)).values()
    return metric


@pytest.fixture
def counts(metric: Metric) -> dict[str, Counts]:
    return counted(metric)


def counted(metric: Metric, images: list = IMAGES) -> dict[str, Counts]:
    """The counts of the metric, and those of segexp, which it may need instead."""
    return count_all([Overlap(), metric], images)


def scored(metric: Metric, counts: Mapping[str, Counts], weights: Floats | None = None) -> Scores:
    return metric.scores(counts, weights, CLASSES)


def assert_same(ours: Scores, theirs: Scores) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, err_msg=name)


def test_every_class_occurs_in_the_images() -> None:
    assert {*range(len(CLASSES.names))} <= {number for image in IMAGES for number in np.unique(image.target)}


def test_it_counts_whole_numbers_in_one_shape_for_all_images(metric: Metric) -> None:
    first, *others = [metric.count(image) for image in IMAGES]
    for counts in (first, *others):
        assert counts.keys() == first.keys()
        for name, value in counts.items():
            assert np.asarray(value).dtype.kind in "iu", name
            assert value.shape == first[name].shape, name


def test_it_has_a_value_for_the_split_and_one_for_each_resample(metric: Metric, counts: dict) -> None:
    assert set(metric.needs) <= counts.keys()
    for weights, shape in ((None, (1,)), (np.ones((4, NUM_IMAGES)), (4,))):
        scores = scored(metric, counts, weights)
        assert {name: value.shape for name, value in scores.items()} == dict.fromkeys(scores, shape)
        assert not all(np.isnan(value).all() for value in scores.values())


def test_the_order_of_images_does_not_matter(metric: Metric, counts: dict) -> None:
    shuffled = np.random.default_rng(0).permutation(NUM_IMAGES)
    assert_same(scored(metric, counts), scored(metric, {name: value[shuffled] for name, value in counts.items()}))


def test_a_resample_that_draws_every_image_once_is_the_split(metric: Metric, counts: dict) -> None:
    assert_same(scored(metric, counts), scored(metric, counts, np.ones((1, NUM_IMAGES))))


def test_resamples_are_what_counting_the_drawn_images_gives(metric: Metric, counts: dict) -> None:
    draws = np.random.default_rng(1).integers(0, NUM_IMAGES, (5, NUM_IMAGES))
    weights = np.stack([np.bincount(drawn, minlength=NUM_IMAGES) for drawn in draws]).astype(np.float64)
    resampled = scored(metric, counts, weights)
    for number, drawn in enumerate(draws):
        again = scored(metric, {name: value[drawn] for name, value in counts.items()})
        assert_same({name: value[[number]] for name, value in resampled.items()}, again)


def test_a_perfect_prediction_scores_1_or_0_if_lower_is_better(metric: Metric) -> None:
    scores = scored(metric, counted(metric, [segmented(seed, accuracy=1) for seed in range(NUM_IMAGES)]))
    for name, (value,) in scores.items():
        if not np.isnan(value):
            wanted = 0 if name.partition("/")[0] in metric.lower_is_better else 1
            assert value == pytest.approx(wanted, abs=1e-6), name


def test_void_pixels_do_not_count(metric: Metric, counts: dict) -> None:
    assert any((image.prediction != with_other_void(image).prediction).any() for image in IMAGES)
    assert_same(scored(metric, counts), scored(metric, counted(metric, [with_other_void(image) for image in IMAGES])))


def test_an_image_stays_as_it_was_and_may_have_any_layout(metric: Metric, counts: dict) -> None:
    strided = [in_another_layout(image) for image in IMAGES]
    before, versions = copy.deepcopy(strided), [tensor._version for image in strided for tensor in tensors(image)]
    assert_same(scored(metric, counted(metric, strided)), scored(metric, counts))
    assert [tensor._version for image in strided for tensor in tensors(image)] == versions
    for image, image_before in zip(strided, before, strict=True):
        for name in ("prediction", "target", "label_ids", "instances"):
            assert np.array_equal(getattr(image, name), getattr(image_before, name)), name
        assert all(map(torch.equal, tensors(image), tensors(image_before)))


def in_another_layout(image: SegmentedImage) -> SegmentedImage:
    """The same image with the classes of a pixel side by side, and columns where rows were."""
    arrays = ("prediction", "target", "label_ids", "instances")
    return replace(
        image,
        logits=image.logits.contiguous(memory_format=torch.channels_last),
        on_device=tuple(tensor.mT.contiguous().mT for tensor in image.on_device),
        **{name: np.asfortranarray(getattr(image, name)) for name in arrays},
    )


def tensors(image: SegmentedImage) -> list[torch.Tensor]:
    return [image.logits, *image.on_device]


def test_it_is_sent_to_other_processes(metric: Metric) -> None:
    theirs = pickle.loads(pickle.dumps(metric)).count(IMAGES[0])
    assert all(np.array_equal(value, theirs[name]) for name, value in metric.count(IMAGES[0]).items())


def test_every_setting_is_a_key_of_its_file_and_so_recorded(option: str, metric: Metric) -> None:
    (node,) = option_settings("metric", option).values()
    assert node.keys() - {"_target_"} == inspect.signature(type(metric)).parameters.keys()


def test_no_metric_loads_torch_until_it_counts() -> None:
    nodes = {name: node for option in OPTIONS for name, node in option_settings("metric", option).items()}
    program = "import json, sys; from segexp import build; build.metrics(json.loads(sys.argv[1]))"
    program += "; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program, json.dumps(nodes)]).returncode == 0
