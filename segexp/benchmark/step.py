"""What a training step costs: by our Trainer, by a bare loop, and fed by the input pipeline."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from segexp import build
from segexp.benchmark.crops import augmented, scenes_of
from segexp.benchmark.fed import fed_steps
from segexp.benchmark.results import Record, Report
from segexp.benchmark.settings import checked_folder, checked_list, checked_streets
from segexp.benchmark.stepping import AUTOCAST, Case, steps_in_turn
from segexp.config.compose import compose
from segexp.config.schema import Count, Size, checked
from segexp.data.streets import Streets

IN_FULL = ("bare_seconds", "trainer_seconds")
"""Seconds of each round, for the JSON alone."""
ALONE, FED = "one batch", "fed"
KEY = ("part", *(name for name in Case.__dataclass_fields__))
CPU_LIMIT, LONG_SECONDS = 0.03, 0.15
"""Of a bare step that takes so long: the most that the Trainer may add to it on a CPU."""
GPU_LIMIT_SECONDS = 0.002
WAIT_LIMIT = 0.05

OVERHEAD = "overhead: what the Trainer adds to a bare step, with metrics and logging as in conf/train.yaml; median"
MEMORY = "memory, MB: the most that one bare step holds beyond weights and what the optimizer remembers"
FED_MEMORY = "memory of what is fed, MB: the most that the GPU held, with weights and all"
NO_GPU = "no GPU: how long one waits for samples, and how busy it is, was not measured"


def measure(
    rounds: int,
    num_steps: int,
    cpu: Sequence[Mapping[str, Any]],
    cuda: Sequence[Mapping[str, Any]],
    num_fed_steps: int,
    streets: Mapping[str, Any],
    cache_root: str,
    device: torch.device,
) -> Iterator[Record]:
    """One record a case with the same batch over and over, and on a GPU one that is fed as a training is.

    cpu, cuda: the cases of either device, see `Case`. Raises ValueError for settings that cannot be.
    """
    for name, value in (("rounds", rounds), ("num_steps", num_steps), ("num_fed_steps", num_fed_steps)):
        checked(Count, f"step.{name}", value)
    name, given = ("cuda", cuda) if device.type == "cuda" else ("cpu", cpu)
    cases = [_case(each) for each in checked_list(f"step.{name}", given)]
    scenes, folder = checked_streets("step.streets", streets), checked_folder("step.cache_root", cache_root)
    for case in cases:
        yield _alone(case, device, num_steps, rounds)
    if device.type == "cuda":
        yield from fed(cases, device, scenes, folder, num_fed_steps)


def _alone(case: Case, device: torch.device, num_steps: int, rounds: int) -> Record:
    turns, memory = steps_in_turn(case, device, num_steps, rounds)
    bare, trainer = turns.bare_seconds[1:], turns.trainer_seconds[1:]
    pairs = list(zip(trainer, bare, strict=True))
    record = {
        "part": ALONE,
        **case.key(),
        "bare_milliseconds": 1000 * statistics.median(bare),
        "trainer_milliseconds": 1000 * statistics.median(trainer),
        "overhead_milliseconds": 1000 * statistics.median(ours - theirs for ours, theirs in pairs),
        "overhead": statistics.median(ours / theirs - 1 for ours, theirs in pairs),
        "images_per_second": case.batch / statistics.median(trainer),
        "memory": None if math.isnan(memory) else memory,
        "bare_seconds": bare,
        "trainer_seconds": trainer,
    }
    print(f"{_named(record)}: {record['trainer_milliseconds']:.1f} ms a step", flush=True)
    return record


def fed(
    cases: Sequence[Case], device: torch.device, streets: Streets, cache_root: str, num_steps: int
) -> Iterator[Record]:
    """Each case trained on crops of the disk cache; see `fed_steps`."""
    for case in cases:
        grouping = build.grouping(compose("train", [f"classes={case.classes}"]))
        scenes = scenes_of(streets, grouping.lookup(streets.table), "disk", cache_root)
        samples = augmented(scenes, case.size, "scale, crop, flip")
        yield {"part": FED, **case.key(), **fed_steps(case, device, samples, len(scenes), num_steps)}


def report(records: Sequence[Record], device: torch.device, **_: Any) -> Report:
    """A table of either part, and which cases are beyond what is wanted."""
    alone, fed = ([record for record in records if record["part"] == part] for part in (ALONE, FED))
    tables = {
        "training steps": [_row(record) for record in alone],
        "fed by the disk cache": [_row(each) for each in fed],
    }
    said = [f"beyond the limit: {_named(record)}: {why}" for record in records if (why := _excess(record, device))]
    lines = [OVERHEAD, MEMORY, *(said or ["every case is within its limit"]), FED_MEMORY if fed else NO_GPU]
    return Report({title: rows for title, rows in tables.items() if rows}, lines)


def _case(given: Mapping[str, Any]) -> Case:
    allowed = list(Case.__dataclass_fields__)
    if not isinstance(given, Mapping):
        raise ValueError(f"a case of step is {given!r}; needed is {{model: ..., batch: ..., size: [height, width]}}")
    missing = [name for name in ("model", "batch", "size") if given.get(name) is None]
    unknown = [name for name in given if name not in allowed]
    if missing or unknown:
        raise ValueError(
            f"a case of step is {dict(given)}; it needs model, batch and size; allowed: {', '.join(allowed)}"
        )
    size = checked(Size, "the size of a case of step", given["size"])
    further = given.get("further", ())
    if not isinstance(further, list | tuple) or not all(isinstance(each, str) for each in further):
        raise ValueError(f"further of a case of step is {further!r}; needed is a list of overrides, as [seed=1]")
    case = Case(**{**given, "size": size, "further": tuple(further)})
    checked(Count, "the batch of a case of step", case.batch)
    if case.precision not in AUTOCAST:
        raise ValueError(f"the precision of a case of step is {case.precision!r}; allowed: {', '.join(AUTOCAST)}")
    return case


def _row(record: Record) -> Record:
    shown = {"case": _named(record), **{name: record[name] for name in record if name not in {*KEY, *IN_FULL}}}
    return {**shown, "memory": record["memory"] and record["memory"] / 1e6}


def _named(record: Record) -> str:
    words = [f"{record['model']} {record['batch']}x{record['size']}", record["classes"], record["precision"]]
    flags = [name for name in ("compile", "channels_last") if record[name]]
    return " ".join([*words, *flags, *([f"({record['further']})"] if record["further"] else [])])


def _excess(record: Record, device: torch.device) -> str | None:
    if record["part"] == FED:
        return f"waits for {record['wait']:.1%} of the time" if record["wait"] > WAIT_LIMIT else None
    added, overhead = record["overhead_milliseconds"], record["overhead"]
    if device.type == "cuda":
        return f"{added:.2f} ms more" if added > 1000 * GPU_LIMIT_SECONDS else None
    is_long = record["bare_milliseconds"] > 1000 * LONG_SECONDS
    return f"{overhead:.1%} more" if is_long and overhead > CPU_LIMIT else None
