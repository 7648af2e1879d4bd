"""All readers give the same crops, and their records hold what is defined."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from segexp.benchmark import input as suite
from segexp.benchmark.crops import DISK, FILES, LIMIT, MEMORY, NONE, SCALES, TORCHVISION, crops_by_reader
from segexp.benchmark.settings import InputSettings
from segexp.benchmark.workers import EndlessSampler, samples_per_second
from segexp.data.cache import cache, shared_memory
from segexp.data.streets import Streets
from segexp.types import VOID, Sample

ROOT = Path(__file__).parents[2]
CROP = (32, 48)
CPU = torch.device("cpu")
Crops = dict[tuple[str, str], Dataset[Sample]]


@pytest.fixture(scope="module", autouse=True)
def enough_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Shared memory as large as the disk, as a container has 64 MB; caches may leave little of either free."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "SPARE_BYTES", 10**6)
        patch.setattr(shared_memory, "SHARED_MEMORY", tmp_path_factory.mktemp("memory"))
        yield


@pytest.fixture(scope="module")
def streets(streets_root: Path) -> Streets:
    return Streets(str(streets_root), 6, 3, 64, 128)


@pytest.fixture(scope="module")
def crops(streets: Streets, tmp_path_factory: pytest.TempPathFactory) -> Crops:
    return crops_by_reader(streets, CROP, ["memory", "disk"], str(tmp_path_factory.mktemp("arrays")))


def test_every_reader_gives_crops_of_one_shape_and_type(crops: Crops) -> None:
    assert {reader for reader, _ in crops} == {LIMIT, FILES, MEMORY, DISK, TORCHVISION}
    for samples in crops.values():
        image, target, _ = samples[3, 1]
        assert (image.shape, image.dtype) == ((3, *CROP), torch.uint8)
        assert (target.shape, target.dtype) == (CROP, torch.uint8)
        assert target.unique().tolist() != [VOID]
        assert int(target[target != VOID].max()) < 19


@pytest.mark.parametrize("augmentation", SCALES)
def test_caches_give_the_same_samples_as_the_files(crops: Crops, augmentation: str) -> None:
    for reader in (MEMORY, DISK):
        for key in ((0, 0), (2, 5)):
            cached, read = crops[reader, augmentation][key], crops[FILES, augmentation][key]
            assert torch.equal(cached.image, read.image)
            assert torch.equal(cached.target, read.target)


def test_the_endless_sampler_reads_each_scene_once_an_epoch() -> None:
    keys = iter(EndlessSampler(5))
    for epoch in range(3):
        of_epoch = [next(keys) for _ in range(5)]
        assert {each for each, _ in of_epoch} == {epoch}
        assert sorted(index for _, index in of_epoch) == list(range(5))


@pytest.mark.parametrize("num_workers", [0, 1])
def test_samples_arrive(crops: Crops, num_workers: int) -> None:
    assert samples_per_second(crops[DISK, "crop"], 6, 2, num_workers, seconds=0.05) > 0


class Growing(Dataset[Sample]):
    """Keeps 40 MB for every sample, in a block of its own of the C library."""

    def __init__(self) -> None:
        self.blocks: list[torch.Tensor] = []

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        self.blocks.append(torch.ones(10_000_000))
        return Sample(torch.zeros(3, 1, 1), torch.zeros(1, 1), "")


MEASURE_AFTER_FREEING = """
import torch
from segexp.system import memory
from segexp.benchmark.workers import resident_bytes
from tests.benchmark.test_input import Growing
memory.keep_freed_memory()
[torch.ones(7_000_000) for _ in range(10)]
print(resident_bytes(Growing(), num_scenes=4, num_workers=2, num_epochs=4))
"""


@pytest.mark.slow
def test_memory_that_workers_keep_is_measured_whatever_was_freed_before() -> None:
    output = subprocess.run(
        [sys.executable, "-c", MEASURE_AFTER_FREEING], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    bytes_after_epoch = json.loads(output)
    num_samples = (bytes_after_epoch[3] - bytes_after_epoch[0]) / 40e6
    assert 8 - 1 < num_samples < 16 + 1  # 12, and 4 read ahead each time or not yet; 1: all else that workers hold


def settings(streets: Streets, folder: Path, caches: Sequence[str] = ("memory", "disk")) -> InputSettings:
    scenes = {"root": str(streets.folder.parent), "num_train": 6, "num_val": 3, "height": 64, "width": 128}
    short = {"rounds": 1, "num_workers": [1], "batch_size": 2, "seconds": 0.05, "num_epochs": 3}
    cached = {"caches": list(caches), "cache_root": str(folder)}
    return InputSettings.of({"streets": scenes, "crop": list(CROP), **cached, **short})


def test_the_suite_measures_each_reader_and_its_ratios(streets: Streets, tmp_path: Path) -> None:
    short = settings(streets, tmp_path)
    records = list(suite.measure(short, CPU, []))
    assert len({tuple(record[name] for name in suite.KEY) for record in records}) == len(records)
    rates = {(each["part"], each["way"], each["augmentation"]): each for each in records}
    files, disk = rates[suite.ONE_CORE, FILES, "crop"], rates[suite.ONE_CORE, DISK, "crop"]
    assert files["times_files"] == 1
    assert disk["times_files"] == pytest.approx(files["milliseconds"] / disk["milliseconds"])
    assert disk["of_limit"] == pytest.approx(rates[suite.ONE_CORE, LIMIT, NONE]["milliseconds"] / disk["milliseconds"])
    report = suite.report(records, short, CPU)
    assert list(report.tables) == [suite.ONE_CORE, suite.WORKERS]
    assert report.lines[-1].startswith("1 workers of the disk cache hold ")


def test_a_cache_that_finds_no_room_is_refused(streets: Streets, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="data.cache=disk cannot be measured here.*leave disk out of input.caches"):
        list(suite.measure(settings(streets, tmp_path / "file", ["disk"]), CPU, []))
