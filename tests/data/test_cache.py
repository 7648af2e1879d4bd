"""A cache is made once, noticed when it is not whole, and done without where there is no room."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segexp import build
from segexp.config.compose import compose
from segexp.data.cache import cache
from segexp.data.cache.cache import Cache
from segexp.data.cache.scenes import Cached
from segexp.data.lazy import Files
from segexp.data.pairs import Pair
from segexp.system import memory, remote
from segexp.train.resume import completed
from tests.data.cached import LOOKUP, SIZES, assert_same_scenes, scene, scenes
from tests.full_disk import full_disk

NUM_BYTES = sum(4 * height * width for height, width in SIZES)


def test_arrays_are_made_once(pairs: list[Pair], root: Path) -> None:
    scenes("disk", pairs, root)
    made = {path: path.stat().st_mtime_ns for path in root.glob("*.bin")}
    assert_same_scenes(scenes("disk", pairs, root), pairs)
    assert len(made) == 2
    assert {path: path.stat().st_mtime_ns for path in root.glob("*.bin")} == made


def test_another_grouping_shares_the_images(pairs: list[Pair], root: Path) -> None:
    scenes("disk", pairs, root)
    other = LOOKUP.copy()
    other[:2] = 1, 0
    Cache("disk", None, str(root)).scenes(pairs, other, None)
    assert sorted(path.name[:7] for path in root.glob("*.bin")) == ["images_", "targets", "targets"]


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def change_one_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 255]))


def change_all_but_the_time(path: Path) -> None:
    facts = path.stat()
    path.write_bytes(bytes(facts.st_size))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("file", ["images_*.bin", "targets_*.bin", "images_*.json", "targets_*.json"])
@pytest.mark.parametrize("damage", [shorten, change_one_byte, change_all_but_the_time, Path.unlink])
def test_damaged_arrays_are_made_again(file: str, damage, pairs: list[Pair], root: Path) -> None:
    scenes("disk", pairs, root)
    damage(next(root.glob(file)))
    found = scenes("disk", pairs, root)
    assert isinstance(found, Cached)
    assert_same_scenes(found, pairs)


def test_an_edited_file_of_the_same_size_is_noticed(pairs: list[Pair], root: Path) -> None:
    mask = np.array(Image.open(pairs[0].mask))
    scenes("disk", pairs, root)
    before = pairs[0].mask.stat()
    Image.fromarray(mask.copy()).save(pairs[0].mask)
    os.utime(pairs[0].mask, ns=(before.st_atime_ns, before.st_mtime_ns + 10**6))
    assert pairs[0].mask.stat().st_size == before.st_size
    scenes("disk", pairs, root)
    assert len([*root.glob("*.bin")]) == 4


def test_another_data_set_of_equal_names_sizes_and_times_has_its_own_arrays(tmp_path: Path, root: Path) -> None:
    """As archives unpack them that keep no times; formats without compression have equal sizes, too."""
    for folder, color in (("a", 10), ("b", 200)):
        (tmp_path / folder).mkdir()
        pair = Pair(tmp_path / folder / "image.bmp", tmp_path / folder / "mask.bmp", "scene")
        Image.new("RGB", (40, 40), (color, 0, 0)).save(pair.image)
        Image.new("L", (40, 40)).save(pair.mask)
        for file in (pair.image, pair.mask):
            os.utime(file, (0, 0))
        assert scenes("disk", [pair], root)[0].whole().image[0].unique().tolist() == [color]


MAKE = """
import sys, pickle, time
from segexp.data.cache import arrays
from segexp.data.cache.cache import Cache
write = arrays.write
def noted(*given):
    print("made", flush=True)
    time.sleep(1)  # so that the other one comes meanwhile
    write(*given)
arrays.write = noted
pairs, lookup, root = pickle.loads(sys.stdin.buffer.read())
Cache("disk", None, root).scenes(pairs, lookup, None)
"""


def test_two_processes_that_start_together_make_it_once(pairs: list[Pair], root: Path) -> None:
    given = pickle.dumps((pairs, LOOKUP, str(root)))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [subprocess.Popen([sys.executable, "-c", MAKE], **pipes) for _ in range(2)]
    for process in started:
        process.stdin.write(given)
        process.stdin.flush()  # both read on before either is waited for
    said = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert b"".join(out for out, _ in said).count(b"made") == 2  # images and targets
    made = {path: path.stat().st_mtime_ns for path in root.glob("*.bin")}
    assert_same_scenes(scenes("disk", pairs, root), pairs)
    assert {path: path.stat().st_mtime_ns for path in root.glob("*.bin")} == made


def test_what_a_killed_process_left_is_removed(pairs: list[Pair], root: Path) -> None:
    root.mkdir()
    (root / "images_of_old.partial").write_bytes(b"half")
    scenes("disk", pairs, root)
    assert not [*root.glob("*.partial")]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_without_room_it_says_so_and_files_are_read(
    kind: str, pairs: list[Pair], root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "SPARE", 10**18)
    found = scenes(kind, pairs, root)
    assert_same_scenes(found, pairs)
    assert f"data.cache={kind}: {NUM_BYTES / 1e9:.3g} GB are needed in" in caplog.text
    assert "images are decoded each time instead" in caplog.text


def test_the_limit_of_a_job_is_room_for_shared_memory_not_for_a_disk(
    pairs: list[Pair], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "groups").write_text("0::/job\n")
    (tmp_path / "job").mkdir()
    for name, content in {"memory.max": cache.SPARE + NUM_BYTES - 1, "memory.current": 0, "memory.stat": ""}.items():
        (tmp_path / "job" / name).write_text(f"{content}")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "MOUNTED", tmp_path)
    assert isinstance(scenes("disk", pairs, root), Cached)
    assert isinstance(scenes("memory", pairs, root), Files)
    (tmp_path / "job/memory.max").write_text(f"{cache.SPARE + NUM_BYTES}")
    assert isinstance(scenes("memory", pairs, root), Cached)


def test_a_disk_that_refuses_halfway_is_done_without(
    pairs: list[Pair], root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():  # it takes an index, but not the images
        found = scenes("disk", pairs, root)
    assert_same_scenes(found, pairs)
    assert "File too large" in caplog.text
    assert not [*root.glob("*.partial")]


def test_a_place_that_is_no_folder_is_done_without(
    pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert_same_scenes(scenes("disk", pairs, tmp_path / "file"), pairs)
    assert "data.cache=disk" in caplog.text


def test_memory_is_freed_by_the_last_that_uses_it(pairs: list[Pair], root: Path, shared: Path) -> None:
    first, second = scenes("memory", pairs, root), scenes("memory", pairs, root)
    assert len([*shared.glob("*.bin")]) == 2
    del first
    assert_same_scenes(second, pairs)
    assert len([*shared.glob("*.bin")]) == 2
    del second
    assert not [*shared.glob("*.bin")]


def test_memory_of_a_killed_process_is_freed_by_the_next(pairs: list[Pair], root: Path, shared: Path) -> None:
    scenes("disk", pairs[:2], shared)  # as arrays that nobody holds any more
    held = scenes("memory", pairs, root)
    assert len([*shared.glob("*.bin")]) == 2
    assert_same_scenes(held, pairs)


def test_a_bare_off_of_yaml_is_no_cache() -> None:
    assert Cache(False, None, "").kind == "off"


def test_data_on_object_storage_is_kept_too(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fsspec's storages the one in this process; once cached, it is not asked for pixels again."""
    monkeypatch.setenv("SEGEXP_CACHE", str(tmp_path / "copies"))
    here = [scene(tmp_path, f"scene{number}", size) for number, size in enumerate(SIZES)]
    there = [Pair(*(remote.path(f"memory://set/{file.name}") for file in pair[:2]), pair.name) for pair in here]
    for mine, theirs in zip(here, there, strict=True):
        theirs.image.write_bytes(mine.image.read_bytes())
        theirs.mask.write_bytes(mine.mask.read_bytes())
    assert_same_scenes(scenes("disk", there, root), here)
    shutil.rmtree(tmp_path / "copies")
    assert_same_scenes(scenes("disk", there, root), here)
    assert not (tmp_path / "copies").exists()
    there[0].mask.write_bytes(here[2].mask.read_bytes())
    there[0].image.write_bytes(here[2].image.read_bytes())
    assert torch.equal(scenes("disk", there, root)[0].whole().image, Files(here, LOOKUP)[2].whole().image)


def test_runs_from_before_the_cache_go_on_without_it(small) -> None:
    config = compose("train", small())
    config["data"] = {key: value for key, value in config["data"].items() if not key.startswith("cache")}
    assert build.data(completed(config)).cache.kind == "off"
