"""How fast every model predicts: parameters, operations, memory, latency and frames per second."""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import Progress

from segexp.benchmark.backend import left_out, version
from segexp.benchmark.case import Case, cases
from segexp.benchmark.figures import figures
from segexp.benchmark.measuring import Job
from segexp.benchmark.process import facts_of
from segexp.benchmark.report import model_report
from segexp.benchmark.results import Record, Report
from segexp.benchmark.settings import checked_list, checked_number
from segexp.config.compose import compose, config_folder, user_folders

KEY = ("model", "size", "batch", "precision", "backend")
Done = list[tuple[Case, Record]]


def measure(
    options: Sequence[str] | None,
    sizes: Sequence[Sequence[int]],
    batches: Sequence[int],
    backends: Sequence[str],
    precisions: Sequence[str],
    max_minutes: float | None,
    frames_per_second: float,
    device: torch.device,
    earlier: Sequence[Record],
    **settings: float,
) -> Iterator[Record]:
    """One record a case, in the order of `cases`; what `earlier` has of the same settings is not measured again.

    settings: num_classes, max_seconds, max_preparation_seconds. Whatever becomes of a case is a record: figures, or the
    reason why there are none. Raises ValueError for what cannot be measured at all.
    """
    for name, number in {**settings, "frames_per_second": frames_per_second}.items():
        checked_number(f"models.{name}", number)
    if max_minutes is not None and (type(max_minutes) not in (int, float) or max_minutes < 0):
        raise ValueError(f"models.max_minutes is {max_minutes!r}; needed is a number from 0, or null for no limit")
    lists = {"sizes": sizes, "batches": batches, "backends": backends, "precisions": precisions}
    for name, each in (lists if options is None else {"options": options, **lists}).items():
        checked_list(f"models.{name}", each)
    configs = {name: _config(name) for name in _checked_options(options)}
    every = list(cases(list(configs), sizes, batches, precisions, backends))
    without = left_out(backends, precisions, device)
    wanted = [case for case in every if (case.precision, case.backend) not in without]
    if not wanted:
        raise ValueError(f"suite=models has nothing to measure; {'; '.join(_told(without)) or 'a list is empty'}")
    deadline = time.monotonic() + (math.inf if max_minutes is None else 60 * max_minutes)
    done: Done = []
    with Progress(transient=True) as progress:
        for case in progress.track(wanted):
            progress.update(progress.task_ids[0], description=str(case))
            facts = {**case.key(), "config": configs[case.model], **settings, **version(case.backend)}
            known = _known(earlier, case, facts)
            if known is None and time.monotonic() >= deadline:
                continue
            record = known or {**facts, **_measured(case, facts, done, device)}
            done.append((case, record))
            told = f"{case}: {_brief(record)}{', measured earlier' if known else ''}"
            progress.print(told, highlight=False, soft_wrap=True)
            yield record
        if len(done) < len(wanted):
            progress.print(f"{len(wanted) - len(done)} cases are left; the same command goes on with them")


def report(
    records: Sequence[Record],
    device: torch.device,
    backends: Sequence[str],
    precisions: Sequence[str],
    frames_per_second: float,
    **_: Any,
) -> Report:
    """Tables of what was measured, which models are fast enough, and what was left out and why."""
    found = model_report(records, frames_per_second)
    return Report(found.tables, [*found.lines, *_told(left_out(backends, precisions, device))])


def _known(earlier: Sequence[Record], case: Case, facts: Record) -> Record | None:
    """What was measured of a case with these settings, unless by a version of segexp that told less."""
    needed = figures(case, {}).keys()
    same = (each for each in earlier if each.items() >= facts.items() and each.keys() >= needed)
    return next((each for each in same if each["parameters"]), None)


def _measured(case: Case, settings: Mapping[str, Any], done: Done, device: torch.device) -> Record:
    note = hopeless(case, settings["max_seconds"], done)
    if note:
        return figures(case, {"note": note})
    reference = next((record["milliseconds"] for other, record in done if other == case.reference), None)
    with tempfile.TemporaryDirectory(prefix="segexp-", ignore_cleanup_errors=True) as folder:
        job = Job(
            case,
            settings["config"],
            settings["num_classes"],
            settings["max_seconds"],
            math.nan if reference is None else reference / 1000,
            str(device),
            Path(folder),
        )
        return figures(case, facts_of(job, settings["max_preparation_seconds"]))


def hopeless(case: Case, max_seconds: float, done: Done) -> str | None:
    """Why a case need not be tried: fewer pixels failed, or took so long that these must take longer than the limit."""
    smaller = [
        (other, record)
        for other, record in done
        if (other.model, other.precision, other.backend) == (case.model, case.precision, case.backend)
        and other.num_pixels < case.num_pixels
    ]
    if not smaller:
        return None
    other, record = max(smaller, key=lambda each: each[0].num_pixels)
    what = f"{other.key()['size']} batch {other.batch}"
    if record["milliseconds"] is None:
        return f"not tried, as {what}: {record['note'].removeprefix('not tried, ')}"
    expected = record["milliseconds"] / 1000 * case.num_pixels / other.num_pixels
    if expected > max_seconds:
        return f"not tried: about {expected:.0f} s a pass, from {what}"
    return None


def _told(without: Mapping[tuple[str, str], str]) -> list[str]:
    return [f"left out: {backend} {precision}: {reason}" for (precision, backend), reason in without.items()]


def _config(option: str) -> dict[str, Any]:
    """As in conf/model, but downloading nothing: random weights are as fast as any."""
    config = compose("train", [f"model={option}"])["model"]
    return {key: None if key == "weights" else value for key, value in config.items()}


def _checked_options(options: Sequence[str] | None) -> list[str]:
    folders = [config_folder(), *user_folders()]
    known = sorted({path.stem for folder in folders for path in (folder / "model").glob("*.yaml")})
    unknown = [each for each in options or [] if each not in known]
    if unknown:
        raise ValueError(f"models.options has {unknown}; options of model: {', '.join(known)}")
    return list(options or known)


def _brief(record: Record) -> str:
    if record["milliseconds"] is None:
        return str(record["note"])
    return f"{record['milliseconds']:.1f} ms, median of {record['num_passes']}"
