"""Cached targets are read again only as their source would read them now."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from segexp.data.cache.cache import Cache
from segexp.data.cache.source_version import source_version
from segexp.data.pairs import Pair
from tests.data.scene_files import LOOKUP, SIZES, write_scene

MODULE = """
from segexp.data.reading import read_mask

class Shifted:
    def __init__(self, shift):
        self.shift = shift

    def mask(self, pair):
        return (read_mask(pair.mask) + self.shift) % 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        sys, "dont_write_bytecode", True
    )  # it would be taken for that of the file edited a moment later
    (tmp_path / "shifting.py").write_text(MODULE)
    return tmp_path / "shifting.py"


def shifted(shift: int):
    sys.modules.pop("shifting", None)
    importlib.invalidate_caches()
    return importlib.import_module("shifting").Shifted(np.uint8(shift))


def cached_target(shift: int, pair: Pair, root: Path) -> np.ndarray:
    return Cache("disk", None, str(root)).scenes(shifted(shift), [pair], LOOKUP, None)[0].whole().target.numpy()


def other_argument(module: Path) -> int:
    return 1


def edited_method(module: Path) -> int:
    module.write_text(MODULE.replace("% 3", "% 2"))
    return 0


@pytest.mark.parametrize("change", [other_argument, edited_method])
def test_another_way_of_reading_masks_makes_other_targets_and_shares_the_images(
    change: Callable[[Path], int], module: Path, tmp_path: Path, root: Path
) -> None:
    pair = write_scene(tmp_path, "scene", SIZES[0])
    before = cached_target(0, pair, root)
    assert np.array_equal(cached_target(0, pair, root), before)
    assert not np.array_equal(cached_target(change(module), pair, root), before)
    assert sorted(path.name[:7] for path in root.glob("*.bin")) == ["images_", "targets", "targets"]


@dataclass
class Plain:
    """A source that holds what has another text in every process: a set, and an object without a text of its own."""

    endings: set[str] = field(default_factory=lambda: {f".{number}" for number in range(20)})
    thing: object = field(default_factory=object)


@pytest.mark.slow
def test_a_source_has_one_version_in_every_process() -> None:
    command = f"import {__name__} as here; print(here.source_version(here.Plain()))"
    versions = {subprocess.check_output([sys.executable, "-c", command]).decode().strip() for _ in range(2)}
    assert versions == {source_version(Plain())}  # type: ignore[arg-type]
