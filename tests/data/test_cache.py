"""A cache is made once, made again when it is damaged, and left out when there is no room for it."""

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
from segexp.data.cache.scenes import CachedScenes
from segexp.data.pairs import Pair
from segexp.data.scenes import FileScenes
from segexp.system import memory, remote
from segexp.train.resume import with_defaults
from tests.data.scene_files import LOOKUP, SIZES, SOURCE, assert_same_as_files, cached_scenes, write_scene
from tests.full_disk import full_disk

NUM_BYTES = sum(4 * height * width for height, width in SIZES)


def times_of_arrays(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.glob("*.bin")}


def test_arrays_are_made_once(pairs: list[Pair], root: Path) -> None:
    cached_scenes("disk", pairs, root)
    times = times_of_arrays(root)
    assert_same_as_files(cached_scenes("disk", pairs, root), pairs)
    assert len(times) == 2
    assert times_of_arrays(root) == times


def test_another_grouping_shares_the_images(pairs: list[Pair], root: Path) -> None:
    cached_scenes("disk", pairs, root)
    other = LOOKUP.copy()
    other[:2] = 1, 0
    Cache("disk", None, str(root)).scenes(SOURCE, pairs, other, None)
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
    cached_scenes("disk", pairs, root)
    damage(next(root.glob(file)))
    scenes = cached_scenes("disk", pairs, root)
    assert isinstance(scenes, CachedScenes)
    assert_same_as_files(scenes, pairs)


def test_an_edited_file_of_the_same_size_is_noticed(pairs: list[Pair], root: Path) -> None:
    mask = np.array(Image.open(pairs[0].mask))
    cached_scenes("disk", pairs, root)
    before = pairs[0].mask.stat()
    Image.fromarray(mask.copy()).save(pairs[0].mask)
    os.utime(pairs[0].mask, ns=(before.st_atime_ns, before.st_mtime_ns + 10**6))
    assert pairs[0].mask.stat().st_size == before.st_size
    cached_scenes("disk", pairs, root)
    assert len([*root.glob("*.bin")]) == 4


def test_another_data_set_of_equal_names_sizes_and_times_has_its_own_arrays(tmp_path: Path, root: Path) -> None:
    """An archive without times unpacks such data sets; formats without compression have equal sizes, too."""
    for folder, color in (("a", 10), ("b", 200)):
        (tmp_path / folder).mkdir()
        pair = Pair(tmp_path / folder / "image.bmp", tmp_path / folder / "mask.bmp", "scene")
        Image.new("RGB", (40, 40), (color, 0, 0)).save(pair.image)
        Image.new("L", (40, 40)).save(pair.mask)
        for file in (pair.image, pair.mask):
            os.utime(file, (0, 0))
        assert cached_scenes("disk", [pair], root)[0].whole().image[0].unique().tolist() == [color]


MAKE = """
import sys, pickle, time
from segexp.data.cache import arrays
from segexp.data.cache.cache import Cache
write = arrays.write
def write_slowly(*arguments):
    print("written", flush=True)
    time.sleep(1)  # so that the other process comes meanwhile
    write(*arguments)
arrays.write = write_slowly
source, pairs, lookup, root = pickle.loads(sys.stdin.buffer.read())
Cache("disk", None, root).scenes(source, pairs, lookup, None)
"""


@pytest.mark.slow
def test_two_processes_that_start_together_make_it_once(pairs: list[Pair], root: Path) -> None:
    arguments = pickle.dumps((SOURCE, pairs, LOOKUP, str(root)))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    processes = [subprocess.Popen([sys.executable, "-c", MAKE], **pipes) for _ in range(2)]
    for process in processes:
        process.stdin.write(arguments)
        process.stdin.flush()  # both start before either is waited for
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert b"".join(stdout for stdout, _ in outputs).count(b"written") == 2  # images and targets
    times = times_of_arrays(root)
    assert_same_as_files(cached_scenes("disk", pairs, root), pairs)
    assert times_of_arrays(root) == times


def test_partial_arrays_of_a_killed_process_are_removed(pairs: list[Pair], root: Path) -> None:
    root.mkdir()
    (root / "images_of_old.partial").write_bytes(b"half")
    cached_scenes("disk", pairs, root)
    assert not [*root.glob("*.partial")]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_without_room_the_error_is_logged_and_files_are_read(
    kind: str, pairs: list[Pair], root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "SPARE_BYTES", 10**18)
    assert_same_as_files(cached_scenes(kind, pairs, root), pairs)
    facts = (
        f"data.cache={kind}",
        f"the cache needs {NUM_BYTES / 1e9:.3g} GB in",
        "images are decoded each time instead",
    )
    assert [fact for fact in facts if fact not in caplog.text] == [], caplog.text


def test_the_limit_of_a_job_is_room_for_shared_memory_not_for_a_disk(
    pairs: list[Pair], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "groups").write_text("0::/job\n")
    (tmp_path / "job").mkdir()
    limit = cache.SPARE_BYTES + NUM_BYTES
    for name, content in {"memory.max": limit - 1, "memory.current": 0, "memory.stat": ""}.items():
        (tmp_path / "job" / name).write_text(f"{content}")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "MOUNTED", tmp_path)
    assert isinstance(cached_scenes("disk", pairs, root), CachedScenes)
    assert isinstance(cached_scenes("memory", pairs, root), FileScenes)
    (tmp_path / "job/memory.max").write_text(f"{limit}")
    assert isinstance(cached_scenes("memory", pairs, root), CachedScenes)


def test_files_are_read_when_the_disk_becomes_full_halfway(
    pairs: list[Pair], root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():  # there is room for an index, but not for the images
        scenes = cached_scenes("disk", pairs, root)
    assert_same_as_files(scenes, pairs)
    assert "File too large" in caplog.text
    assert not [*root.glob("*.partial")]


def test_files_are_read_when_the_root_of_the_cache_is_no_folder(
    pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert_same_as_files(cached_scenes("disk", pairs, tmp_path / "file"), pairs)
    assert "data.cache=disk" in caplog.text


def test_memory_is_freed_by_the_last_that_uses_it(pairs: list[Pair], root: Path, shared_folder: Path) -> None:
    first, second = cached_scenes("memory", pairs, root), cached_scenes("memory", pairs, root)
    assert len([*shared_folder.glob("*.bin")]) == 2
    del first
    assert_same_as_files(second, pairs)
    assert len([*shared_folder.glob("*.bin")]) == 2
    del second
    assert not [*shared_folder.glob("*.bin")]


def test_memory_of_a_killed_process_is_freed_by_the_next(pairs: list[Pair], root: Path, shared_folder: Path) -> None:
    cached_scenes("disk", pairs[:2], shared_folder)  # arrays that nobody holds
    held = cached_scenes("memory", pairs, root)
    assert len([*shared_folder.glob("*.bin")]) == 2
    assert_same_as_files(held, pairs)


def test_a_bare_off_of_yaml_is_no_cache() -> None:
    assert Cache(False, None, "").kind == "off"


def test_data_on_object_storage_is_cached_too(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage is fsspec's memory; once its data is cached, it is not asked for pixels again."""
    monkeypatch.setenv("SEGEXP_CACHE", str(tmp_path / "copies"))
    local = [write_scene(tmp_path, f"scene{number}", size) for number, size in enumerate(SIZES)]
    stored = [Pair(*(remote.path(f"memory://set/{file.name}") for file in pair[:2]), pair.name) for pair in local]
    for source, copy in zip(local, stored, strict=True):
        copy.image.write_bytes(source.image.read_bytes())
        copy.mask.write_bytes(source.mask.read_bytes())
    assert_same_as_files(cached_scenes("disk", stored, root), local)
    shutil.rmtree(tmp_path / "copies")
    assert_same_as_files(cached_scenes("disk", stored, root), local)
    assert not (tmp_path / "copies").exists()
    stored[0].mask.write_bytes(local[2].mask.read_bytes())
    stored[0].image.write_bytes(local[2].image.read_bytes())
    image = cached_scenes("disk", stored, root)[0].whole().image
    assert torch.equal(image, FileScenes(SOURCE, local, LOOKUP)[2].whole().image)


def test_runs_of_versions_without_a_cache_go_on_without_it(small) -> None:
    config = compose("train", small())
    config["data"] = {key: value for key, value in config["data"].items() if not key.startswith("cache")}
    assert build.data(with_defaults(config)).cache.kind == "off"
