"""The measurements of the suite models as tables and sentences."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from segexp.benchmark.results import Record, SuiteReport

FLOPS = "GFLOPs: of convolutions and matrix products for one image, a multiply-add as 2; counted, not measured"
RATIO = "ratio: time per image over that of eager float32 at batch 1, run in turn in one process"
MEMORY = "MB: peak memory of prediction with weights and one batch, without libraries"
OTHER_COLUMNS = (
    "ms: median of the passes; p95 needs 20 of them; fps: images per second; setup: compiling or exporting, once"
)


def model_report(records: Sequence[Record], frames_per_second: float) -> SuiteReport:
    """A table of what every model costs, one of times for every size and batch, and which model is fast enough."""
    tables = {"models": _costs(records)}
    lines = [FLOPS, RATIO, MEMORY, OTHER_COLUMNS]
    for (size, batch), group in groupby(records, key=lambda record: (record["size"], record["batch"])):
        same_size = list(group)
        tables[f"{size}, batch {batch}"] = _times(same_size)
        lines.append(f"{size}, batch {batch}: {speed_summary(same_size, frames_per_second)}")
    return SuiteReport({title: rows for title, rows in tables.items() if rows}, lines)


def speed_summary(records: Sequence[Record], frames_per_second: float) -> str:
    """The models that reach this many frames per second in their fastest case; if none does, the fastest model."""
    fastest: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: record["frames_per_second"] or 0, reverse=True):
        if record["frames_per_second"]:
            fastest.setdefault(record["model"], record)
    names = [
        f"{name} ({record['backend']} {record['precision']}, {record['frames_per_second']:.3g})"
        for name, record in fastest.items()
    ]
    enough = [
        text for text, record in zip(names, fastest.values(), strict=True) if _is_enough(record, frames_per_second)
    ]
    if enough:
        return f"{frames_per_second:g} frames per second are reached by {', '.join(enough)}"
    nearest = f"; the fastest is {names[0]}" if names else ""
    return f"no model reaches {frames_per_second:g} frames per second{nearest}"


def _is_enough(record: Record, frames_per_second: float) -> bool:
    return record["frames_per_second"] >= frames_per_second


def _costs(records: Sequence[Record]) -> list[Record]:
    sizes = list(dict.fromkeys(record["size"] for record in records))
    rows: dict[str, Record] = {}
    for record in records:
        if record["parameters"]:
            row = rows.setdefault(record["model"], {"model": record["model"], **_cost(record, sizes)})
            row[f"GFLOPs {record['size']}"] = record["flops"] / 1e9
    return list(rows.values())


def _cost(record: Record, sizes: Sequence[str]) -> dict[str, Any]:
    return {"parameters, M": record["parameters"] / 1e6, **{f"GFLOPs {size}": None for size in sizes}}


def _times(records: Sequence[Record]) -> list[Record]:
    has_notes = any(record["note"] for record in records)
    return [
        {
            "model": record["model"],
            "precision": record["precision"],
            "backend": record["backend"],
            "ms": record["milliseconds"],
            "p95 ms": record["p95_milliseconds"],
            "fps": record["frames_per_second"],
            "ratio": record["ratio"],
            "MB": record["memory"] and record["memory"] / 1e6,
            "setup s": record["preparation_seconds"],
            "passes": record["num_passes"],
            **({"note": record["note"] or ""} if has_notes else {}),
        }
        for record in records
    ]
