"""Turn the seconds of single passes into the record of a case."""

import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from segexp.benchmark.model_case import ModelCase
from segexp.benchmark.results import Record

FEWEST_FOR_P95 = 20


def model_record(case: ModelCase, facts: Mapping[str, Any]) -> Record:
    """The record of a case without its key; None for what is not known. facts: see `measurement.take_measurements`.

    milliseconds, p95_milliseconds: of one pass, whatever the batch; 95 % of passes need at most the latter, which is
    known from 20 passes on. ratio: time for an image over that of the reference, run in turn with it. memory: bytes.
    note: why there is no time.
    """
    seconds, reference = facts.get("seconds"), facts.get("reference_seconds")
    median = statistics.median(seconds) if seconds else None
    ratio = 1.0 if case == case.reference else None
    if median and reference:
        ratio = median / case.batch / statistics.median(reference)
    memory = facts.get("memory")
    return {
        "parameters": facts.get("parameters"),
        "flops": facts.get("flops"),
        "memory": int(memory) if memory is not None and isfinite(memory) else None,
        "preparation_seconds": facts.get("preparation_seconds"),
        "milliseconds": median and 1000 * median,
        "p95_milliseconds": 1000 * _p95(seconds) if seconds and len(seconds) >= FEWEST_FOR_P95 else None,
        "frames_per_second": case.batch / median if median else None,
        "ratio": ratio if median else None,
        "num_passes": len(seconds or []),
        "seconds": seconds,
        "reference_seconds": reference,
        "note": facts.get("note"),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]
