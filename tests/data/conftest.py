"""Where the caches of tests lie, and what they are made of."""

from pathlib import Path

import pytest

from segexp.data.cache import cache, shared_memory
from segexp.data.pairs import Pair
from tests.data.cached import SIZES, scene


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Four scenes of three sizes whose masks hold the labels 0, 1 and 2 (void)."""
    return [scene(tmp_path, f"scene{number}", size) for number, size in enumerate(SIZES)]


@pytest.fixture(autouse=True)
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the node's shared memory, so that tests leave nothing in it."""
    monkeypatch.setattr(shared_memory, "SHARED", tmp_path)
    return shared_memory.folder()


@pytest.fixture(autouse=True)
def _little_to_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a machine with little memory or disk left makes caches, too."""
    monkeypatch.setattr(cache, "SPARE", 10**6)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "arrays"
