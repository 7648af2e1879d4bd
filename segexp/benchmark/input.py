"""The suite input: how fast training crops are read, from files, from caches and by torchvision."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from rich.progress import track
from torch.utils.data import Dataset

from segexp.benchmark.crops import DISK, FILES, LIMIT, NONE, SPLIT, TORCHVISION, crops_by_reader
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import SETTLED_EPOCHS, InputSettings
from segexp.benchmark.timing import median_seconds
from segexp.benchmark.workers import resident_bytes, samples_per_second
from segexp.data.streets import Streets
from segexp.system.memory import keep_freed_memory
from segexp.types import Sample

KEY = ("part", "way", "augmentation", "workers")
DECODING_READERS = (FILES, TORCHVISION)
ONE_CORE, WORKERS, RESIDENT = "one core", "workers", "resident memory"
NUM_QUICK_READINGS = 25
"""How often a round reads each scene by readers that decode nothing: they take less than 1 ms instead of some 50."""

TIMES = f"times files: samples a second over those of the {FILES} with the same augmentation"
OF_LIMIT = f"of limit: samples a second over those of {LIMIT}, which copies the bytes of as large a crop from memory"
LEGEND = f"{NONE}: a crop as it is read; {TORCHVISION}: its Cityscapes data set and its transforms, decoded by Pillow"

Method = tuple[str, str]
"""Reader and augmentation."""
Crops = Mapping[Method, Dataset[Sample]]


def measure(settings: InputSettings, device: torch.device, earlier: Sequence[Record]) -> Iterator[Record]:
    """Milliseconds a sample on one core, samples a second of several workers, and the memory that workers hold.

    Memory is measured with the last of num_workers, if the disk is among the caches. device, earlier: ignored. Raises
    OSError where there is no room for a cache.
    """
    streets = Streets(**settings.streets.model_dump())
    num_scenes = streets.num_scenes[SPLIT]
    keep_freed_memory()  # as a training does, whose workers inherit it
    crops = crops_by_reader(streets, settings.crop, settings.caches, settings.cache_root)
    yield from _on_one_core(crops, num_scenes, settings.rounds)
    for num_workers in settings.num_workers:
        rate = partial(
            samples_per_second,
            num_scenes=num_scenes,
            batch_size=settings.batch_size,
            num_workers=num_workers,
            seconds=settings.seconds,
        )
        yield from _by_workers(crops, rate, num_workers, settings.rounds)
    if (DISK, "crop") in crops:
        num_workers = settings.num_workers[-1]
        sizes = resident_bytes(crops[DISK, "crop"], num_scenes, num_workers, settings.num_epochs)
        growth = sizes[-1] / sizes[SETTLED_EPOCHS - 1] - 1
        yield {**_key(RESIDENT, (DISK, "crop"), num_workers), "bytes_after_epoch": sizes, "growth": growth}


def report(records: Sequence[Record], settings: InputSettings, device: torch.device) -> SuiteReport:
    """Two tables, the meaning of their ratios, and how memory grows."""
    by_part = {part: [record for record in records if record["part"] == part] for part in (ONE_CORE, WORKERS, RESIDENT)}
    hidden = {ONE_CORE: ("part", "workers"), WORKERS: ("part", "milliseconds")}
    tables = {
        part: [{name: value for name, value in record.items() if name not in names} for record in by_part[part]]
        for part, names in hidden.items()
    }
    return SuiteReport(tables, [TIMES, OF_LIMIT, LEGEND, *map(_memory_line, by_part[RESIDENT])])


def _memory_line(record: Record) -> str:
    megabytes = [each / 1e6 for each in record["bytes_after_epoch"]]
    return (
        f"{record['workers']} workers of the {record['way']} hold {megabytes[SETTLED_EPOCHS - 1]:.0f} MB after epoch "
        f"{SETTLED_EPOCHS} and {megabytes[-1]:.0f} MB after epoch {len(megabytes)}: {100 * record['growth']:+.1f} %"
    )


def _on_one_core(crops: Crops, num_scenes: int, rounds: int) -> Iterator[Record]:
    readings = {method: num_scenes * (1 if method[0] in DECODING_READERS else NUM_QUICK_READINGS) for method in crops}
    works = {str(method): partial(_read, samples, num_scenes, readings[method]) for method, samples in crops.items()}
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = median_seconds(works, rounds, torch.device("cpu"), "reading on one core")
    finally:
        torch.set_num_threads(num_threads)
    yield from _records(ONE_CORE, {method: readings[method] / seconds[str(method)] for method in crops}, 0)


def _by_workers(
    crops: Crops, rate: Callable[[Dataset[Sample]], float], num_workers: int, rounds: int
) -> Iterator[Record]:
    """Records of the crop alone: one core shows the cost of augmentations. rate: samples -> samples a second."""
    selected = {method: samples for method, samples in crops.items() if method[1] == "crop" or method[0] == LIMIT}
    rates: dict[Method, list[float]] = {method: [] for method in selected}
    for _ in track(range(rounds), f"reading by {num_workers} workers", transient=True):
        for method, samples in selected.items():
            rates[method].append(rate(samples))
    yield from _records(
        WORKERS, {method: statistics.median(all_rounds) for method, all_rounds in rates.items()}, num_workers
    )


def _records(part: str, rates: Mapping[Method, float], num_workers: int) -> Iterator[Record]:
    """rates: samples a second of each method."""
    for method, rate in rates.items():
        files = rates.get((FILES, method[1]))
        yield {
            **_key(part, method, num_workers),
            "milliseconds": 1000 / rate,
            "samples_per_second": rate,
            "times_files": rate / files if files else None,
            "of_limit": rate / rates[LIMIT, NONE],
        }


def _read(samples: Dataset[Sample], num_scenes: int, num_readings: int) -> None:
    for number in range(num_readings):
        samples[number // num_scenes, number % num_scenes]


def _key(part: str, method: Method, num_workers: int) -> Record:
    return {"part": part, "way": method[0], "augmentation": method[1], "workers": num_workers}
