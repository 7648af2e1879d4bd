"""All ways of reading give the same crops, and their figures are what they are said to be."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from segexp.benchmark import input as suite
from segexp.benchmark.crops import DISK, FILES, LIMIT, MEMORY, NONE, PLAIN, SCALES, every_way
from segexp.benchmark.workers import Endless, samples_per_second
from segexp.config.compose import compose
from segexp.data.cache import cache, shared_memory
from segexp.data.streets import Streets
from segexp.types import VOID, Sample

ROOT = Path(__file__).parents[2]
CROP = (32, 48)
Ways = dict[tuple[str, str], Dataset[Sample]]


@pytest.fixture(scope="module", autouse=True)
def memory_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As large as the disk: that of a container holds 64 MB; and little is left to others of either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "SPARE_BYTES", 10**6)
        patch.setattr(shared_memory, "SHARED_MEMORY", tmp_path_factory.mktemp("memory"))
        yield


@pytest.fixture(scope="module")
def streets(streets_root: Path) -> Streets:
    return Streets(str(streets_root), 6, 3, 64, 128)


@pytest.fixture(scope="module")
def ways(streets: Streets, tmp_path_factory: pytest.TempPathFactory) -> Ways:
    return every_way(streets, CROP, ["memory", "disk"], str(tmp_path_factory.mktemp("arrays")))


def test_every_way_gives_crops_of_one_shape_and_type(ways: Ways) -> None:
    assert {way for way, _ in ways} == {LIMIT, FILES, MEMORY, DISK, PLAIN}
    for samples in ways.values():
        image, target, _ = samples[3, 1]
        assert (image.shape, image.dtype) == ((3, *CROP), torch.uint8)
        assert (target.shape, target.dtype) == (CROP, torch.uint8)
        assert target.unique().tolist() != [VOID]
        assert int(target[target != VOID].max()) < 19


@pytest.mark.parametrize("augmentation", SCALES)
def test_caches_give_what_the_files_give(ways: Ways, augmentation: str) -> None:
    for way in (MEMORY, DISK):
        for key in ((0, 0), (2, 5)):
            found, wanted = ways[way, augmentation][key], ways[FILES, augmentation][key]
            assert torch.equal(found.image, wanted.image)
            assert torch.equal(found.target, wanted.target)


def test_an_endless_loader_reads_each_scene_once_an_epoch() -> None:
    keys = iter(Endless(5))
    for epoch in range(3):
        found = [next(keys) for _ in range(5)]
        assert {each for each, _ in found} == {epoch}
        assert sorted(index for _, index in found) == list(range(5))


@pytest.mark.parametrize("num_workers", [0, 1])
def test_samples_arrive(ways: Ways, num_workers: int) -> None:
    assert samples_per_second(ways[DISK, "crop"], 6, 2, num_workers, seconds=0.05) > 0


class Growing(Dataset[Sample]):
    """Keeps 40 MB of every sample, a block of its own to the C library."""

    def __init__(self) -> None:
        self.kept: list[torch.Tensor] = []

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        self.kept.append(torch.ones(10_000_000))
        return Sample(torch.zeros(3, 1, 1), torch.zeros(1, 1), "")


FREED = """
import torch
from segexp.system import memory
from segexp.benchmark.workers import resident_bytes
from tests.benchmark.test_input import Growing
memory.keep_freed_memory()
[torch.ones(7_000_000) for _ in range(10)]
print(resident_bytes(Growing(), num_scenes=4, num_workers=2, num_epochs=4))
"""


def test_memory_that_workers_keep_is_seen_whatever_was_freed_before() -> None:
    told = subprocess.run([sys.executable, "-c", FREED], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    held = json.loads(told)
    kept = (held[3] - held[0]) / 40e6
    assert 8 - 1 < kept < 16 + 1  # of 12 samples, and 4 read ahead each time or not yet; 1: all else the workers hold


def settings(streets: Streets, folder: Path) -> dict[str, Any]:
    arguments = {"root": str(streets.folder.parent), "num_train": 6, "num_val": 3, "height": 64, "width": 128}
    short = {"rounds": 1, "num_workers": [1], "batch_size": 2, "seconds": 0.05, "num_epochs": 3}
    cached = {"caches": ["memory", "disk"], "cache_root": str(folder)}
    return {"streets": arguments, "crop": list(CROP), **cached, **short, "device": torch.device("cpu")}


def test_the_suite_measures_each_way_and_its_ratios(streets: Streets, tmp_path: Path) -> None:
    given = settings(streets, tmp_path)
    records = list(suite.measure(**given))
    assert len({tuple(record[name] for name in suite.KEY) for record in records}) == len(records)
    rates = {(each["part"], each["way"], each["augmentation"]): each for each in records}
    files, disk = rates[suite.ONE_CORE, FILES, "crop"], rates[suite.ONE_CORE, DISK, "crop"]
    assert files["times_files"] == 1
    assert disk["times_files"] == pytest.approx(files["milliseconds"] / disk["milliseconds"])
    assert disk["of_limit"] == pytest.approx(rates[suite.ONE_CORE, LIMIT, NONE]["milliseconds"] / disk["milliseconds"])
    found = suite.report(records, **given)
    assert list(found.tables) == [suite.ONE_CORE, suite.WORKERS]
    assert found.lines[-1].startswith("1 workers of the disk cache hold ")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"crop": [65, 64]}, "needed is \\[height, width\\] within 64x128"),
        ({"crop": None}, "input.crop is None"),
        ({"num_workers": []}, "the last of them above 0"),
        ({"num_workers": [0]}, "the last of them above 0"),
        ({"num_workers": ["many", 1]}, "one of input.num_workers is 'many'"),
        ({"num_workers": 2}, "input.num_workers is 2; needed is a list: input.num_workers=\\[2\\]"),
        ({"caches": "disk"}, "input.caches is 'disk'; needed is a list: input.caches=\\[disk\\]"),
        ({"num_epochs": 2}, "input.num_epochs is 2"),
        ({"seconds": "long"}, "input.seconds is 'long'"),
        ({"streets": 5}, "input.streets is 5; needed are root and any of num_train, .*: input.streets.root=FOLDER"),
        ({"streets": {"root": "streets", "scenes": 9}}, "input.streets is {.*'scenes': 9}; needed are root and any of"),
        ({"streets": {"num_train": 9}}, "input.streets is {'num_train': 9}; needed are root and"),
        ({"streets": {"root": 5}}, "input.streets.root is 5; needed is the path of a folder, a number as .*=./2024"),
        ({"streets": {"root": "streets", "height": "high"}}, "input.streets.height is 'high'; needed is a whole"),
        ({"cache_root": 5}, "input.cache_root is 5; needed is the path of a folder"),
        ({"caches": ["disc"]}, "input.caches is \\['disc'\\]; allowed: memory, disk"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong: dict[str, Any], said: str, streets: Streets, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        next(iter(suite.measure(**{**settings(streets, tmp_path), **wrong})))


def test_a_cache_that_finds_no_room_is_not_measured_as_one(streets: Streets, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="data.cache=disk cannot be measured here, see above; leave disk out of"):
        list(suite.measure(**{**settings(streets, tmp_path / "file"), "caches": ["disk"]}))


def test_the_default_reads_crops_of_cityscapes_own_size() -> None:
    given = compose("benchmark")["input"]
    assert (given["streets"]["height"], given["streets"]["width"]) == (1024, 2048)
    assert given["num_workers"][-1] == 4
