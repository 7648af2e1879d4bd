"""How fast training crops are read: from files, caches and by a plain data set, on one core and by several workers."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from rich.progress import track
from torch.utils.data import Dataset

from segexp.benchmark.crops import DISK, FILES, LIMIT, NONE, PLAIN, SPLIT, WAYS, every_way
from segexp.benchmark.results import Record, Report
from segexp.benchmark.settings import checked_folder, checked_list, checked_number, checked_streets
from segexp.benchmark.timing import median_seconds
from segexp.benchmark.workers import resident_bytes, samples_per_second
from segexp.config import schema
from segexp.config.schema import Count, WholeNumber, checked
from segexp.data.streets import Streets
from segexp.system.memory import keep_freed_memory
from segexp.types import Sample, Size

KEY = ("part", "way", "augmentation", "workers")
DECODING = (FILES, PLAIN)
ONE_CORE, WORKERS, RESIDENT = "one core", "workers", "resident memory"
NUM_QUICK_READINGS = 25
"""Of each scene in a round, by ways that decode nothing, and take less than 1 ms for it instead of some 50."""
SETTLED = 2
"""Epochs after which memory should not grow any more."""

TIMES = f"times files: samples a second over those of the {FILES} with the same augmentation"
OF_LIMIT = f"of limit: samples a second over those of {LIMIT}, which copies the bytes of as large a crop from memory"
LEGEND = f"{NONE}: a crop as it is read; {PLAIN}: its Cityscapes data set and its transforms, decoded by Pillow"

Way = tuple[str, str]
Ways = Mapping[Way, Dataset[Sample]]


def measure(
    streets: Mapping[str, Any],
    crop: Sequence[int],
    caches: Sequence[str],
    cache_root: str,
    rounds: int,
    num_workers: Sequence[int],
    batch_size: int,
    seconds: float,
    num_epochs: int,
    device: torch.device,
) -> Iterator[Record]:
    """Milliseconds a sample on one core, samples a second of several workers, and the memory that workers hold.

    streets: arguments of `Streets`. crop: [height, width]. caches: kinds of data.cache. num_workers: each of these
    counts; the last is watched for num_epochs, if the disk is among the caches. seconds: for each way and count, in
    each round. The device is none of this suite's business.
    Raises ValueError for settings that cannot be, OSError where there is no room for a cache.
    """
    _check(rounds, num_workers, batch_size, seconds, num_epochs, caches)
    checked_folder("input.cache_root", cache_root)
    scenes = checked_streets("input.streets", streets)
    size, num_scenes = _checked_crop(crop, scenes), scenes.num_scenes[SPLIT]
    keep_freed_memory()  # as a training does, whose workers inherit it
    ways = every_way(scenes, size, caches, cache_root)
    yield from _on_one_core(ways, num_scenes, rounds)
    for count in num_workers:
        rate = partial(
            samples_per_second, num_scenes=num_scenes, batch_size=batch_size, num_workers=count, seconds=seconds
        )
        yield from _by_workers(ways, rate, count, rounds)
    if (DISK, "crop") in ways:
        held = resident_bytes(ways[DISK, "crop"], num_scenes, num_workers[-1], num_epochs)
        growth = held[-1] / held[SETTLED - 1] - 1
        yield {**_key(RESIDENT, (DISK, "crop"), num_workers[-1]), "bytes_after_epoch": held, "growth": growth}


def _check(
    rounds: int, num_workers: Sequence[int], batch_size: int, seconds: float, num_epochs: int, caches: Sequence[str]
) -> None:
    if checked(Count, "input.num_epochs", num_epochs) <= SETTLED:
        raise ValueError(f"input.num_epochs is {num_epochs}; allowed: a whole number of at least {SETTLED + 1}")
    for name, value in (("rounds", rounds), ("batch_size", batch_size)):
        checked(Count, f"input.{name}", value)
    checked_number("input.seconds", seconds)
    for each in checked_list("input.num_workers", num_workers):
        checked(WholeNumber, "one of input.num_workers", each)
    if not num_workers or not num_workers[-1]:
        raise ValueError(f"input.num_workers is {list(num_workers)}; needed are counts, the last of them above 0")
    if set(checked_list("input.caches", caches)) - set(WAYS.values()):
        raise ValueError(f"input.caches is {list(caches)}; allowed: memory, disk")


def report(records: Sequence[Record], **_: Any) -> Report:
    """Two tables, what the ratios mean, and how memory grows."""
    by_part = {part: [record for record in records if record["part"] == part] for part in (ONE_CORE, WORKERS, RESIDENT)}
    hidden = {ONE_CORE: ("part", "workers"), WORKERS: ("part", "milliseconds")}
    tables = {
        part: [{name: value for name, value in record.items() if name not in names} for record in by_part[part]]
        for part, names in hidden.items()
    }
    return Report(tables, [TIMES, OF_LIMIT, LEGEND, *map(_told, by_part[RESIDENT])])


def _told(record: Record) -> str:
    held = [each / 1e6 for each in record["bytes_after_epoch"]]
    return (
        f"{record['workers']} workers of the {record['way']} hold {held[SETTLED - 1]:.0f} MB after epoch {SETTLED} and "
        f"{held[-1]:.0f} MB after epoch {len(held)}: {100 * record['growth']:+.1f} %"
    )


def _on_one_core(ways: Ways, num_scenes: int, rounds: int) -> Iterator[Record]:
    readings = {way: num_scenes * (1 if way[0] in DECODING else NUM_QUICK_READINGS) for way in ways}
    works = {str(way): partial(_read, samples, num_scenes, readings[way]) for way, samples in ways.items()}
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        taken = median_seconds(works, rounds, torch.device("cpu"), "reading on one core")
    finally:
        torch.set_num_threads(num_threads)
    yield from _records(ONE_CORE, {way: readings[way] / taken[str(way)] for way in ways}, 0)


def _by_workers(ways: Ways, rate: Callable[[Dataset[Sample]], float], count: int, rounds: int) -> Iterator[Record]:
    """Of the crop alone: what an augmentation adds is known from one core."""
    asked = {way: samples for way, samples in ways.items() if way[1] == "crop" or way[0] == LIMIT}
    rates: dict[Way, list[float]] = {way: [] for way in asked}
    for _ in track(range(rounds), f"reading by {count} workers", transient=True):
        for way, samples in asked.items():
            rates[way].append(rate(samples))
    yield from _records(WORKERS, {way: statistics.median(found) for way, found in rates.items()}, count)


def _records(part: str, rates: Mapping[Way, float], count: int) -> Iterator[Record]:
    """rates: samples a second of each way."""
    for way, rate in rates.items():
        files = rates.get((FILES, way[1]))
        yield {
            **_key(part, way, count),
            "milliseconds": 1000 / rate,
            "samples_per_second": rate,
            "times_files": rate / files if files else None,
            "of_limit": rate / rates[LIMIT, NONE],
        }


def _read(samples: Dataset[Sample], num_scenes: int, num_readings: int) -> None:
    for number in range(num_readings):
        samples[number // num_scenes, number % num_scenes]


def _key(part: str, way: Way, count: int) -> Record:
    return {"part": part, "way": way[0], "augmentation": way[1], "workers": count}


def _checked_crop(crop: Sequence[int], scenes: Streets) -> Size:
    size = checked(schema.Size, "input.crop", crop)
    if size[0] > scenes.height or size[1] > scenes.width:
        raise ValueError(f"input.crop is {crop}; needed is [height, width] within {scenes.height}x{scenes.width}")
    return size
