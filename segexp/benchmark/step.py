"""The suite step: the time of a training step by the Trainer, by a bare loop, and end to end with its input."""

import math
import statistics
from collections.abc import Iterator, Sequence

import torch

from segexp import build
from segexp.benchmark.crops import augmented, scenes_of
from segexp.benchmark.end_to_end import end_to_end_steps
from segexp.benchmark.overhead import decided, time_steps
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import StepCase, StepSettings
from segexp.config.compose import compose
from segexp.data.streets import Streets

ALL_ROUNDS = ("bare_seconds", "trainer_seconds")
"""Values of a record that stand in the JSON alone: seconds of each round."""
ONE_BATCH, END_TO_END = "one batch", "fed"
KEY = ("part", *StepCase.model_fields)
CPU_LIMIT, LONG_SECONDS = 0.03, 0.15
"""The largest share that the Trainer may add on a CPU to a bare step that takes at least so long."""
GPU_LIMIT_SECONDS = 0.002
WAIT_LIMIT = 0.05

OVERHEAD = "overhead: what the Trainer adds to a bare step, with metrics and logging as in conf/train.yaml; median"
MEMORY = "memory, MB: peak of one bare step without weights and optimizer state"
END_TO_END_MEMORY = "memory with input, MB: peak of the GPU, everything included"
NO_GPU = "no GPU: its waiting for samples, and how busy it is, were not measured"


def measure(settings: StepSettings, device: torch.device, earlier: Sequence[Record]) -> Iterator[Record]:
    """One record for each case with the same batch over and over; on a GPU also one with batches that a loader reads.

    earlier: ignored, everything is measured again.
    """
    cases = [decided(case, device) for case in (settings.cuda if device.type == "cuda" else settings.cpu)]
    for case in cases:
        yield _measure_overhead(case, device, settings.num_steps, settings.rounds)
    if device.type == "cuda":
        streets = Streets(**settings.streets.model_dump())
        yield from measure_end_to_end(cases, device, streets, settings.cache_root, settings.num_fed_steps)


def _measure_overhead(case: StepCase, device: torch.device, num_steps: int, rounds: int) -> Record:
    timer, memory = time_steps(case, device, num_steps, rounds)
    bare, trainer = timer.bare_seconds[1:], timer.trainer_seconds[1:]
    pairs = list(zip(trainer, bare, strict=True))
    record = {
        "part": ONE_BATCH,
        **case.record(),
        "bare_milliseconds": 1000 * statistics.median(bare),
        "trainer_milliseconds": 1000 * statistics.median(trainer),
        "overhead_milliseconds": 1000 * statistics.median(of_trainer - of_bare for of_trainer, of_bare in pairs),
        "overhead": statistics.median(of_trainer / of_bare - 1 for of_trainer, of_bare in pairs),
        "images_per_second": case.batch / statistics.median(trainer),
        "memory": None if math.isnan(memory) else memory,
        "bare_seconds": bare,
        "trainer_seconds": trainer,
    }
    print(f"{_describe(record)}: {record['trainer_milliseconds']:.1f} ms a step", flush=True)
    return record


def measure_end_to_end(
    cases: Sequence[StepCase], device: torch.device, streets: Streets, cache_root: str, num_steps: int
) -> Iterator[Record]:
    """One record for each case, trained on crops of the disk cache; see `end_to_end_steps`."""
    for case in cases:
        grouping = build.grouping(compose("train", [f"classes={case.classes}"]))
        scenes = scenes_of(streets, grouping.lookup(streets.table), "disk", cache_root)
        samples = augmented(scenes, case.size, "scale, crop, flip")
        yield {"part": END_TO_END, **case.record(), **end_to_end_steps(case, device, samples, len(scenes), num_steps)}


def report(records: Sequence[Record], settings: StepSettings, device: torch.device) -> SuiteReport:
    """A table of either part, and which cases are beyond their limit."""
    one_batch, end_to_end = (
        [record for record in records if record["part"] == part] for part in (ONE_BATCH, END_TO_END)
    )
    tables = {
        "training steps": [_row(record) for record in one_batch],
        "end to end, from the disk cache": [_row(record) for record in end_to_end],
    }
    excesses = [
        f"beyond the limit: {_describe(record)}: {why}" for record in records if (why := _excess(record, device))
    ]
    lines = [
        OVERHEAD,
        MEMORY,
        *(excesses or ["every case is within its limit"]),
        END_TO_END_MEMORY if end_to_end else NO_GPU,
    ]
    return SuiteReport({title: rows for title, rows in tables.items() if rows}, lines)


def _row(record: Record) -> Record:
    row = {"case": _describe(record), **{name: record[name] for name in record if name not in {*KEY, *ALL_ROUNDS}}}
    return {**row, "memory": record["memory"] and record["memory"] / 1e6}


def _describe(record: Record) -> str:
    words = [f"{record['model']} {record['batch']}x{record['size']}", record["classes"]]
    flags = [record["precision"], record["memory_format"], *(["compile"] if record["compile"] else [])]
    return " ".join([*words, *flags, *([f"({record['further']})"] if record["further"] else [])])


def _excess(record: Record, device: torch.device) -> str | None:
    if record["part"] == END_TO_END:
        return f"waits for {record['wait']:.1%} of the time" if record["wait"] > WAIT_LIMIT else None
    added, overhead = record["overhead_milliseconds"], record["overhead"]
    if device.type == "cuda":
        return f"{added:.2f} ms more" if added > 1000 * GPU_LIMIT_SECONDS else None
    is_long = record["bare_milliseconds"] > 1000 * LONG_SECONDS
    return f"{overhead:.1%} more" if is_long and overhead > CPU_LIMIT else None
