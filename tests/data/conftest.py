"""Scenes for caches, and folders for the caches to lie in."""

from pathlib import Path

import pytest

from segexp.data.cache import cache, shared_memory
from segexp.data.pairs import Pair
from tests.data.scene_files import SIZES, write_scene


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Four scenes of three sizes whose masks hold the labels 0, 1 and 2 (void)."""
    return [write_scene(tmp_path, f"scene{number}", size) for number, size in enumerate(SIZES)]


@pytest.fixture(autouse=True)
def shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the node's shared memory, so that tests leave nothing in it."""
    monkeypatch.setattr(shared_memory, "SHARED_MEMORY", tmp_path)
    return shared_memory.folder()


@pytest.fixture(autouse=True)
def _few_spare_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a machine with little free memory or disk make caches, too."""
    monkeypatch.setattr(cache, "SPARE_BYTES", 10**6)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "arrays"
