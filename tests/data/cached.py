"""A few scenes, what a cache makes of them, and when that is the same as without one."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from segexp.classes import UNKNOWN
from segexp.data.cache.cache import Cache
from segexp.data.lazy import Files, Scenes
from segexp.data.pairs import Pair
from segexp.types import VOID, Sample, Size

SIZES = [(60, 90), (64, 80), (60, 90), (33, 120)]
LOOKUP = np.full(256, UNKNOWN, np.uint8)
LOOKUP[:3] = 0, 1, VOID


def scene(folder: Path, name: str, size: Size) -> Pair:
    generator = np.random.default_rng(len(name) + sum(size))
    files = [folder / f"{name}_{kind}.png" for kind in ("image", "mask")]
    Image.fromarray(generator.integers(0, 256, (*size, 3), np.uint8)).save(files[0])
    Image.fromarray(generator.integers(0, 3, size, np.uint8)).save(files[1])
    return Pair(*files, name)


def scenes(
    kind: str, pairs: list[Pair], root: Path, size: Size | None = None, target_size: Size | None = None
) -> Scenes:
    return Cache(kind, size, str(root)).scenes(pairs, LOOKUP, target_size)


def assert_same(found: Sample, wanted: Sample) -> None:
    assert found.name == wanted.name
    assert torch.equal(found.image, wanted.image)
    assert torch.equal(found.target, wanted.target)
    assert found.image.is_contiguous()
    assert found.target.is_contiguous()


def assert_same_scenes(found: Scenes, pairs: list[Pair]) -> None:
    for index in range(len(pairs)):
        assert_same(found[index].whole(), Files(pairs, LOOKUP)[index].whole())
