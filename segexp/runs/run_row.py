"""What a list of runs says of one run, read from its folder."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from segexp.run.folder import RunFolder
from segexp.run.process import is_training
from segexp.types import Values

UNKNOWN = "unknown"
GROUPS = ("model", "loss", "data", "classes")
"""The options that are listed whether they were typed or not."""
BOOKKEEPING = ("data.root", "on_existing", "trainer.enable_progress_bar")
"""Keys that say nothing of what was trained; a sweep gives its jobs the last two."""


class RunRow(NamedTuple):
    """state: as in status.json; killed if it says running and its process on this machine is gone.

    epoch: the last that was validated, counted from 1; None before the first. num_epochs: those planned; None if the
    training is counted in steps, or its configuration cannot be read. val_miou: the best so far.
    age_seconds: since status.json was written, so since the start or the end; infinite without one.
    options: those of GROUPS, and what else was typed.
    """

    folder: Path
    state: str
    epoch: int | None
    num_epochs: int | None
    val_miou: float | None
    age_seconds: float
    options: tuple[str, ...]


def run_row(folder: Path) -> RunRow:
    """What cannot be read of a run is None or unknown: one damaged run must not hide the others."""
    run = RunFolder(folder)
    status = _read(run.status)
    validated = [row for row in run.history() if _is_number(row.get("val/miou")) and _is_number(row.get("epoch"))]
    planned = _read(lambda: run.config).get("trainer", {})
    max_epochs = planned.get("max_epochs") if isinstance(planned, dict) else None
    return RunRow(
        folder,
        _state(status),
        int(validated[-1]["epoch"]) + 1 if validated else None,
        max_epochs if isinstance(max_epochs, int) and max_epochs > 0 else None,
        max((row["val/miou"] for row in validated), default=None),
        _age_seconds(status),
        _options(_read(lambda: run.environment)),
    )


def _read(read: Callable[[], Values]) -> Values:
    with suppress(ValueError, OSError):
        return read()
    return {}


def _state(status: Values) -> str:
    state = str(status.get("state", UNKNOWN))
    return "killed" if state == "running" and not is_training(status) else state


def _age_seconds(status: Values) -> float:
    with suppress(KeyError, ValueError, TypeError):
        return max(0.0, time.time() - datetime.fromisoformat(status["time"]).timestamp())
    return math.inf


def _options(environment: Values) -> tuple[str, ...]:
    choices, typed = environment.get("choices", {}), environment.get("overrides", [])
    others = [each for each in typed if each.partition("=")[0] not in (*GROUPS, *BOOKKEEPING)]
    return (*(str(choices[group]) for group in GROUPS if choices.get(group)), *others)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
