"""A cache changes no sample, and its errors about broken files are those of reading the files."""

import ctypes
import mmap
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from torch.utils.data import SequentialSampler

from segexp import build
from segexp.config.compose import compose, config_folder
from segexp.data.cache import arrays
from segexp.data.cache.arrays import Arrays
from segexp.data.cache.cache import Cache
from segexp.data.cache.scenes import CachedScenes
from segexp.data.loading import loader
from segexp.data.pairs import Pair
from segexp.data.sampler import TrainingSampler
from segexp.data.samples import EvaluationSamples, TrainingSamples
from segexp.data.scenes import FileScenes
from segexp.types import Sample, Size
from tests.data.scene_files import LOOKUP, SIZES, SOURCE, assert_same, assert_same_as_files, cached_scenes

OPTIONS = sorted(path.stem for path in (config_folder() / "augmentation").glob("*.yaml"))


@pytest.mark.parametrize("kind", ["disk", "memory"])
@pytest.mark.parametrize("option", OPTIONS)
def test_training_samples_are_bit_identical(option: str, kind: str, pairs: list[Pair], root: Path) -> None:
    augment = build.augmentation(compose("train", [f"augmentation={option}"]))
    cached = TrainingSamples(cached_scenes(kind, pairs, root), None, augment)
    expected = TrainingSamples(FileScenes(SOURCE, pairs, LOOKUP), None, lambda sample, *key: augment(sample, *key))
    for epoch in range(3):
        for index in range(len(pairs)):
            assert_same(cached[epoch, index], expected[epoch, index])


@pytest.mark.parametrize("cache_size", [None, (48, 64)])
@pytest.mark.parametrize("option", OPTIONS)
def test_resized_samples_are_bit_identical_from_a_cache_of_any_size(
    option: str, cache_size: Size | None, pairs: list[Pair], root: Path
) -> None:
    size, augment = (48, 64), build.augmentation(compose("train", [f"augmentation={option}"]))
    cache = Cache("disk", cache_size, str(root))
    cached = TrainingSamples(cache.scenes(SOURCE, pairs, LOOKUP, cache_size), size, augment)
    expected = TrainingSamples(FileScenes(SOURCE, pairs, LOOKUP), size, lambda sample, *key: augment(sample, *key))
    for index in range(len(pairs)):
        assert_same(cached[1, index], expected[1, index])


@pytest.mark.parametrize("cache_size", [None, (48, 64)])
def test_evaluation_targets_stay_native(cache_size: Size | None, pairs: list[Pair], root: Path) -> None:
    cache = Cache("disk", cache_size, str(root))
    cached = EvaluationSamples(cache.scenes(SOURCE, pairs, LOOKUP, None), (48, 64))
    expected = EvaluationSamples(FileScenes(SOURCE, pairs, LOOKUP), (48, 64))
    for index, size in enumerate(SIZES):
        assert cached[index].target.shape == size
        assert_same(cached[index], expected[index])


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_workers_read_the_same_arrays(kind: str, pairs: list[Pair], root: Path) -> None:
    cached = EvaluationSamples(cached_scenes(kind, pairs, root), None)
    batches = loader(cached, SequentialSampler(cached), batch_size=1, num_workers=2)
    for number, batch in enumerate(batches):
        expected = FileScenes(SOURCE, pairs, LOOKUP)[number].whole()
        assert_same(Sample(batch.image[0], batch.target[0], batch.name[0]), expected)


def test_scenes_are_pickled_for_spawned_workers_without_their_pixels(pairs: list[Pair], root: Path) -> None:
    pickled = pickle.dumps(cached_scenes("disk", pairs, root))
    assert len(pickled) < 2000
    assert_same_as_files(pickle.loads(pickled), pairs)


@pytest.mark.parametrize("which", ["image", "mask"])
def test_a_broken_file_is_named_as_without_a_cache(which: str, pairs: list[Pair], root: Path) -> None:
    path = getattr(pairs[2], which)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=rf"scene2_{which}\.png cannot be decoded .*download this file again"):
        cached_scenes("disk", pairs, root)
    assert not [*root.glob("*.partial")]


def test_unknown_labels_and_masks_of_another_size_are_named(pairs: list[Pair], root: Path) -> None:
    Image.new("L", SIZES[1][::-1], 77).save(pairs[1].mask)
    with pytest.raises(ValueError, match=r"scene1_mask\.png holds the ids \[77\]"):
        cached_scenes("disk", pairs, root)
    Image.new("L", (5, 5)).save(pairs[1].mask)
    with pytest.raises(ValueError, match=r"scene1_mask\.png has 5 rows and 5 columns"):
        cached_scenes("disk", pairs, root)


def num_resident_pages(path: Path) -> int:
    """Count the pages of a file that are in the system's cache, by mincore(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as pages:
        first = ctypes.c_char.from_buffer(pages)
        is_resident = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
        assert libc.mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), is_resident) == 0
        del first
    return sum(each & 1 for each in is_resident)


@pytest.mark.skipif(sys.platform != "linux", reason="mincore and fadvise are called as Linux defines them")
def test_a_crop_reads_only_the_large_pages_around_it_from_the_disk(tmp_path: Path) -> None:
    path, shapes = tmp_path / "images_.bin", [[3, 1024, 2048]] * 4
    arrays.write(path, "", shapes, lambda number: np.full(shapes[0], number + 1, np.uint8), "writing")
    cold = Arrays(path, shapes)
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if num_resident_pages(path) > 0:
        pytest.skip("this file system keeps its pages in memory")
    assert (cold.read(1, slice(500, 564), slice(800, 864)) == 2).all()
    rows, large_pages = 3 * 64 * 2048, 3 * arrays.LARGE_PAGE  # one in each plane
    assert rows <= num_resident_pages(path) * mmap.PAGESIZE <= 1.1 * large_pages  # of four times as much in the file


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*suggested max number of worker.*")  # four, on any machine
def test_resident_memory_of_workers_stays(tmp_path: Path) -> None:
    shapes = [[3, 512, 1024]] * 200
    arrays.write(tmp_path / "images_.bin", "", shapes, lambda number: np.full(shapes[0], number, np.uint8), "writing")
    arrays.write(
        tmp_path / "targets_.bin", "", [[512, 1024]] * 200, lambda _: np.zeros((512, 1024), np.uint8), "writing"
    )
    images, targets = Arrays(tmp_path / "images_.bin", shapes), Arrays(tmp_path / "targets_.bin", [[512, 1024]] * 200)
    augment = build.augmentation(compose("train", ["augmentation=gridnet"]))
    samples = TrainingSamples(CachedScenes(images, targets, [str(number) for number in range(200)]), None, augment)
    sampler = TrainingSampler(200, 4, seed=0)
    batches = loader(samples, sampler, batch_size=4, num_workers=4)
    resident = []
    for epoch in range(20):
        sampler.set_epoch(epoch)
        assert sum(len(batch.image) for batch in batches) == 200
        resident.append(sum(worker.memory_info().rss for worker in psutil.Process().children()))
    assert min(resident[15:]) < 1.05 * max(resident[1:4])
