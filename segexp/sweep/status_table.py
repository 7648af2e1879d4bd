"""The status of a sweep as a table: on the terminal, and as sweep.csv in its folder."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from segexp.display.tables import STATE_COLORS
from segexp.sweep.job_status import JobStatus
from segexp.system.files import write_atomic


def table(statuses: Sequence[JobStatus], title: str) -> Table:
    """A table with one row for each job."""
    rows = Table("job", "variant", "state", box=SIMPLE, title=f"{title}: {summary(statuses)}", title_justify="left")
    for heading in ("epoch", "val mIoU", "minutes"):
        rows.add_column(heading, justify="right")
    rows.add_column("why" if any(status.reason for status in statuses) else "")
    for status in statuses:
        state = Text(status.state, STATE_COLORS.get(status.state, "dim"))
        numbers = (_format(status.epoch, "d"), _format(status.val_miou, ".4f"), _format(status.minutes, ".1f"))
        rows.add_row(str(status.number), Text(status.variant), state, *numbers, Text(status.reason))
    return rows


def line(status: JobStatus) -> str:
    """One job in one line, for logs."""
    scores = [
        f"val mIoU {_format(status.val_miou, '.4f')}" if status.val_miou is not None else "",
        f"{_format(status.minutes, '.1f')} min" if status.minutes is not None else "",
    ]
    return "  ".join(filter(None, [f"job {status.number} {status.state}", status.variant, *scores, status.reason]))


def summary(statuses: Sequence[JobStatus]) -> str:
    """The number of jobs in each state: 3 finished, 1 failed, 8 waiting."""
    return ", ".join(f"{count} {state}" for state, count in Counter(status.state for status in statuses).items())


def save(statuses: Sequence[JobStatus], folder: Path) -> Path:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(JobStatus._fields)
    rows.writerows(statuses)
    return write_atomic(folder / "sweep.csv", text.getvalue())


def _format(value: float | None, specification: str) -> str:
    return "-" if value is None else format(value, specification)
