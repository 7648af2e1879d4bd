"""A sweep as a table: on the terminal, and as sweep.csv in its folder."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from segexp.sweep.outcome import Outcome
from segexp.system.files import write_whole

COLORS = {"finished": "green", "failed": "red", "preempted": "yellow", "running": "cyan", "starting": "cyan"}


def table(outcomes: Sequence[Outcome], title: str) -> Table:
    """One row a job."""
    found = Table("job", "variant", "state", box=SIMPLE, title=f"{title}: {summary(outcomes)}", title_justify="left")
    for heading in ("epoch", "val mIoU", "minutes"):
        found.add_column(heading, justify="right")
    found.add_column("why" if any(each.reason for each in outcomes) else "")
    for each in outcomes:
        state = Text(each.state, COLORS.get(each.state, "dim"))
        numbers = (_shown(each.epoch, "d"), _shown(each.val_miou, ".4f"), _shown(each.minutes, ".1f"))
        found.add_row(str(each.number), Text(each.variant), state, *numbers, Text(each.reason))
    return found


def line(outcome: Outcome) -> str:
    """One job in one line, for logs."""
    scores = [
        f"val mIoU {_shown(outcome.val_miou, '.4f')}" if outcome.val_miou is not None else "",
        f"{_shown(outcome.minutes, '.1f')} min" if outcome.minutes is not None else "",
    ]
    return "  ".join(filter(None, [f"job {outcome.number} {outcome.state}", outcome.variant, *scores, outcome.reason]))


def summary(outcomes: Sequence[Outcome]) -> str:
    """3 finished, 1 failed, 8 waiting."""
    return ", ".join(f"{count} {state}" for state, count in Counter(each.state for each in outcomes).items())


def save(outcomes: Sequence[Outcome], folder: Path) -> Path:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(Outcome._fields)
    rows.writerows(outcomes)
    return write_whole(folder / "sweep.csv", text.getvalue())


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
