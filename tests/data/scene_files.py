"""The files of a few scenes, their source, their cached scenes, and the check that both give the same samples."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from segexp.classes import UNKNOWN_LABEL
from segexp.data.cache.cache import Cache
from segexp.data.folder import Folder
from segexp.data.pairs import Pair
from segexp.data.scenes import FileScenes, Scenes
from segexp.types import VOID, Sample, Size

SIZES = [(60, 90), (64, 80), (60, 90), (33, 120)]
SOURCE = Folder("", "", "", {0: "road", 1: "sky", 2: "nothing"})
LOOKUP = np.full(256, UNKNOWN_LABEL, np.uint8)
LOOKUP[:3] = 0, 1, VOID


def write_scene(folder: Path, name: str, size: Size) -> Pair:
    generator = np.random.default_rng(len(name) + sum(size))
    files = [folder / f"{name}_{kind}.png" for kind in ("image", "mask")]
    Image.fromarray(generator.integers(0, 256, (*size, 3), np.uint8)).save(files[0])
    Image.fromarray(generator.integers(0, 3, size, np.uint8)).save(files[1])
    return Pair(*files, name)


def cached_scenes(
    kind: str, pairs: list[Pair], root: Path, size: Size | None = None, target_size: Size | None = None
) -> Scenes:
    return Cache(kind, size, str(root)).scenes(SOURCE, pairs, LOOKUP, target_size)


def assert_same(actual: Sample, expected: Sample) -> None:
    assert actual.name == expected.name
    assert torch.equal(actual.image, expected.image)
    assert torch.equal(actual.target, expected.target)
    assert actual.image.is_contiguous()
    assert actual.target.is_contiguous()


def assert_same_as_files(scenes: Scenes, pairs: list[Pair]) -> None:
    for index in range(len(pairs)):
        assert_same(scenes[index].whole(), FileScenes(SOURCE, pairs, LOOKUP)[index].whole())
