"""The suite models: how fast every network predicts, its parameters, operations, memory, latency, frames per second."""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import Progress

from segexp.benchmark.backend import unavailable, versions
from segexp.benchmark.isolated_process import measure_in_process
from segexp.benchmark.measurement import MeasurementTask
from segexp.benchmark.model_case import ModelCase, every_case
from segexp.benchmark.model_record import model_record
from segexp.benchmark.model_tables import model_report
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import ModelsSettings
from segexp.config.compose import compose, config_folder, user_folders
from segexp.types import Values

KEY = ("model", "size", "batch", "precision", "backend")
Done = list[tuple[ModelCase, Record]]


def measure(settings: ModelsSettings, device: torch.device, earlier: Sequence[Record]) -> Iterator[Record]:
    """One record for each case, in the order of `every_case`; cases that `earlier` has with these settings are reused.

    Every case that was tried gets a record: measurements, or the reason why there are none. Raises ValueError if
    nothing can be measured at all.
    """
    configs = {name: _config(name) for name in _checked_options(settings.options)}
    without = unavailable(settings.backends, settings.precisions, device)
    cases = [case for case in every_case(list(configs), settings) if (case.precision, case.backend) not in without]
    if not cases:
        raise ValueError(
            f"suite=models has nothing to measure; {'; '.join(_left_out(without))}; choose other models.backends or "
            "models.precisions"
        )
    deadline = time.monotonic() + (math.inf if settings.max_minutes is None else 60 * settings.max_minutes)
    done: Done = []
    with Progress(transient=True) as progress:
        for case in progress.track(cases):
            progress.update(progress.task_ids[0], description=str(case))
            facts = _facts(case, configs[case.model], settings)
            known = _known(earlier, case, facts)
            if known is None and time.monotonic() >= deadline:
                continue
            record = known or {**facts, **_measure_case(case, facts, done, device)}
            done.append((case, record))
            line = f"{case}: {_result(record)}{', measured earlier' if known else ''}"
            progress.print(line, highlight=False, soft_wrap=True)
            yield record
        if len(done) < len(cases):
            progress.print(f"{len(cases) - len(done)} cases are left; the same command continues with them")


def report(records: Sequence[Record], settings: ModelsSettings, device: torch.device) -> SuiteReport:
    """Tables of the measurements, which models are fast enough, and which cases were left out and why."""
    tables, lines = model_report(records, settings.frames_per_second)
    return SuiteReport(tables, [*lines, *_left_out(unavailable(settings.backends, settings.precisions, device))])


def _facts(case: ModelCase, config: Values, settings: ModelsSettings) -> Record:
    """Everything on which the measurements of a case depend, on the same machine."""
    limits = settings.model_dump(include={"num_classes", "max_seconds", "max_preparation_seconds"})
    return {**case.key(), "config": config, **limits, **versions(case.backend)}


def _known(earlier: Sequence[Record], case: ModelCase, facts: Record) -> Record | None:
    """The earlier record of a case with the same facts, unless a version of segexp wrote it that measured less."""
    needed = model_record(case, {}).keys()
    same = (each for each in earlier if each.items() >= facts.items() and each.keys() >= needed)
    return next((each for each in same if each["parameters"]), None)


def _measure_case(case: ModelCase, facts: Mapping[str, Any], done: Done, device: torch.device) -> Record:
    note = reason_to_skip(case, facts["max_seconds"], done)
    if note:
        return model_record(case, {"note": note})
    reference = next((record["milliseconds"] for other, record in done if other == case.reference), None)
    with tempfile.TemporaryDirectory(prefix="segexp-", ignore_cleanup_errors=True) as folder:
        task = MeasurementTask(
            case,
            facts["config"],
            facts["num_classes"],
            facts["max_seconds"],
            math.nan if reference is None else reference / 1000,
            str(device),
            Path(folder),
        )
        return model_record(case, measure_in_process(task, facts["max_preparation_seconds"]))


def reason_to_skip(case: ModelCase, max_seconds: float, done: Done) -> str | None:
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
    name = f"{other.key()['size']} batch {other.batch}"
    if record["milliseconds"] is None:
        return f"not tried, as {name}: {record['note'].removeprefix('not tried, ')}"
    expected = record["milliseconds"] / 1000 * case.num_pixels / other.num_pixels
    if expected > max_seconds:
        return f"not tried: about {expected:.0f} s a pass, from {name}"
    return None


def _left_out(without: Mapping[tuple[str, str], str]) -> list[str]:
    return [f"left out: {backend} {precision}: {reason}" for (precision, backend), reason in without.items()]


def _config(option: str) -> Values:
    """The option of conf/model without pretrained weights: nothing is downloaded, and random ones are as fast."""
    config = compose("train", [f"model={option}"])["model"]
    return {key: None if key == "weights" else value for key, value in config.items()}


def _checked_options(options: Sequence[str] | None) -> list[str]:
    folders = [config_folder(), *user_folders()]
    known = sorted({path.stem for folder in folders for path in (folder / "model").glob("*.yaml")})
    unknown = [each for each in options or [] if each not in known]
    if unknown:
        raise ValueError(
            f"models.options has {unknown}, which are not in conf/model; allowed: {', '.join(known)}, or null for all"
        )
    return list(options or known)


def _result(record: Record) -> str:
    if record["milliseconds"] is None:
        return str(record["note"])
    return f"{record['milliseconds']:.1f} ms, median of {record['num_passes']}"
