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
TRAINED_ON = "data.fingerprint"
"""Beside the settings: the first digits of the fingerprint of what was trained on, which is the same elsewhere."""
UNKNOWN = "unknown"
"""The fingerprint of a training that recorded none."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key; a list counts as one value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def trained_on(settings: Mapping[str, Any], fingerprints: Mapping[str, Any]) -> dict[str, str]:
    """What TRAINED_ON is for a training. fingerprints: split -> fingerprint, as the training found them."""
    return {TRAINED_ON: str(fingerprints.get(str(settings.get("data.train_split", "train")), UNKNOWN))[:8]}


def compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that may change a result, in one form: without those of bookkeeping, without the seed, without nulls."""
    return {key: _normal(value) for key, value in settings.items() if value is not None and not _is_ignored(key)}


def _normal(value: Any) -> Any:
    """What is alike for a training is alike by `repr`: 2.0 is 2, in lists too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(each) for each in value]
    return {key: _normal(each) for key, each in value.items()} if isinstance(value, Mapping) else value


@functools.cache  # thousands of runs share their keys
def _is_ignored(key: str) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in IGNORED)
