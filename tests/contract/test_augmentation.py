"""Every option of conf/augmentation is a pure function of (seed, epoch, index) and moves image and target together."""

import functools

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from segexp import build
from segexp.augmentation.augmentation import Augmentation
from segexp.augmentation.scale_crop import RandomScaleCrop
from segexp.config.compose import compose, config_folder
from segexp.data.scenes import DecodedScene
from segexp.types import VOID, Sample, Values

pytestmark = pytest.mark.fast

OPTIONS = sorted(path.stem for path in (config_folder() / "augmentation").glob("*.yaml"))


def test_options_are_found() -> None:
    assert len(OPTIONS) >= 4


@functools.cache
def values_of(option: str) -> Values:
    return compose("train", [f"augmentation={option}"])


def augmentation(option: str, seed: int = 0) -> Augmentation:
    return build.augmentation({**values_of(option), "seed": seed})


@pytest.fixture
def sample() -> Sample:
    """Build a scene whose left half is dark and class 0, whose right half is bright and class 1."""
    target = torch.zeros(200, 300, dtype=torch.uint8)
    target[:, 150:] = 1
    return Sample((40 + 170 * target).expand(3, -1, -1).contiguous(), target, "scene")


@pytest.mark.parametrize("option", OPTIONS)
def test_same_seed_epoch_and_index_give_the_same_sample(option: str, sample: Sample) -> None:
    first = augmentation(option)(sample, 3, 7)
    torch.rand(5)  # other draws from torch's generator have no influence
    again = augmentation(option)(sample, 3, 7)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.target, again.target)


@pytest.mark.parametrize("option", OPTIONS)
def test_torch_generator_is_left_as_it_was(option: str, sample: Sample) -> None:
    before = torch.get_rng_state()
    augmentation(option)(sample, 0, 0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"none"}))
@pytest.mark.parametrize("other", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_another_seed_epoch_or_index_gives_another_sample(option: str, other: tuple[int, int, int], sample: Sample):
    noise = sample._replace(image=torch.randint(0, 256, (3, 40, 60), dtype=torch.uint8), target=sample.target[:40, :60])
    seed, epoch, index = other
    here, there = augmentation(option), augmentation(option, seed)
    pairs = [(here(noise, 0, 9 * draw), there(noise, epoch, 9 * draw + index)) for draw in range(30)]
    assert any(not torch.equal(one.image, two.image) for one, two in pairs)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_sample_stays_as_it_was_and_may_have_any_layout(option: str, sample: Sample) -> None:
    strided = sample._replace(image=sample.image.mT.contiguous().mT, target=sample.target.mT.contiguous().mT)
    versions = strided.image._version, strided.target._version
    for index in range(10):
        expected, ours = (augmentation(option)(each, 0, index) for each in (sample, strided))
        assert torch.equal(ours.image, expected.image)
        assert torch.equal(ours.target, expected.target)
    assert (strided.image._version, strided.target._version) == versions
    assert torch.equal(strided.image, (40 + 170 * strided.target).expand(3, -1, -1))
    assert torch.equal(strided.target, torch.arange(300).ge(150).expand(200, -1))


@pytest.mark.parametrize("option", OPTIONS)
def test_image_and_target_stay_together(option: str, sample: Sample) -> None:
    for index in range(10):
        image, target, _ = augmentation(option)(sample, 0, index)
        assert image.shape[1:] == target.shape
        bright = image.float().mean(0) > image.float().mean()
        inner = (target[:, 3:] == target[:, :-3])[:, 3:]  # away from the edge, which resizing and blur soften
        agree = (bright == (target == 1))[:, 3:-3][inner]
        assert len(target.unique()) == 1 or agree.float().mean() > 0.97


@pytest.mark.parametrize("option", OPTIONS)
def test_types_and_values_are_those_of_a_sample(option: str, sample: Sample) -> None:
    image, target, name = augmentation(option)(sample, 0, 0)
    assert type(image) is type(target) is torch.Tensor
    assert image.dtype == target.dtype == torch.uint8
    assert set(target.unique().tolist()) <= {0, 1, VOID}
    assert name == "scene"


@pytest.mark.parametrize("option", OPTIONS)
def test_no_class_appears_that_the_scene_does_not_hold(option: str, sample: Sample) -> None:
    only_one = sample._replace(target=torch.ones_like(sample.target))
    for index in range(20):
        assert set(augmentation(option)(only_one, 0, index).target.unique().tolist()) <= {1, VOID}


def test_corners_that_a_rotation_leaves_empty_are_void(sample: Sample) -> None:
    only_one = sample._replace(target=torch.ones_like(sample.target))
    rotated = Augmentation({"rotate": v2.RandomRotation((30, 30))}, seed=0)(only_one, 0, 0)
    assert set(rotated.target.unique().tolist()) == {1, VOID}


def test_scale_crop_has_its_size_and_keeps_the_scale_in_range(sample: Sample) -> None:
    crop = RandomScaleCrop([100, 120], [1.0, 2.5])
    params = [crop.make_params([sample.image]) for _ in range(200)]
    factors = [100 / each["height"] for each in params]
    assert min(factors) >= 0.99
    assert max(factors) <= 2.55
    assert max(factors) - min(factors) > 1


def test_scale_crop_enlarges_an_image_smaller_than_the_crop(sample: Sample) -> None:
    assert RandomScaleCrop([400, 400], [1.0, 1.0])(sample.image).shape == (3, 400, 400)


def test_a_wrong_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="^augmentation: ") as error:
        RandomScaleCrop(None, [2.0, 1.0])
    facts = ["scale is [2.0, 1.0]", "0 < low <= high", "augmentation.transforms"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


class RecordingScene(DecodedScene):
    """A scene that records which rectangles are read."""

    def crop(self, top: int, left: int, height: int, width: int) -> Sample:
        rectangles.append((top, left, height, width))
        return super().crop(top, left, height, width)


rectangles: list[tuple[int, int, int, int]] = []


@pytest.mark.parametrize("option", OPTIONS)
def test_a_scene_that_is_read_lazily_gives_the_same_sample(option: str) -> None:
    generator = np.random.default_rng(0)
    image, target = (generator.integers(0, 2, shape, np.uint8) for shape in ((500, 450, 3), (500, 450)))
    scene = DecodedScene(200 * image, target, "scene")
    for index in range(8):
        lazy, whole = augmentation(option).read(scene, 2, index), augmentation(option)(scene.whole(), 2, index)
        assert torch.equal(lazy.image, whole.image)
        assert torch.equal(lazy.target, whole.target)


def test_scale_crop_reads_only_its_source_rectangle() -> None:
    scene = RecordingScene(np.zeros((500, 450, 3), np.uint8), np.zeros((500, 450), np.uint8), "scene")
    for index in range(20):
        rectangles.clear()
        augmentation("gridnet").read(scene, 0, index)
        ((top, left, height, width),) = rectangles
        assert 160 <= height == width <= 400  # 400 / 2.5 to 400 / 1
        assert 0 <= top <= 500 - height
        assert 0 <= left <= 450 - width
