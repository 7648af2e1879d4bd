"""Settings of a run as flat values, and which of them may change a result."""

import functools
from collections.abc import Mapping
from typing import Any

IGNORED = (
    "seed",
    "resume",
    "on_existing",
    "logger",
    "data.root",
    "data.num_workers",
    *(f"data.{name}" for name in ("cache", "cache_size", "cache_root")),
    "optimizer.fused",
    "trainer.enable_progress_bar",
    *(f"callbacks.{name}" for name in ("last", "stop", "shared_folder", "panels", "throughput", "report")),
)
"""Settings that no weight depends on but for rounding, and the seed."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key; a list counts as one value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that may change a result: without those of bookkeeping, and without the seed."""
    return {key: value for key, value in settings.items() if not _is_ignored(key)}


@functools.cache  # thousands of runs share their keys
def _is_ignored(key: str) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in IGNORED)
