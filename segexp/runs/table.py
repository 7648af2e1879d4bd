"""The list of runs as a table on the terminal."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from segexp.display.durations import duration
from segexp.display.tables import STATE_COLORS
from segexp.runs.run_row import RunRow


def table(rows: Sequence[RunRow]) -> Table:
    """A row for each run, in the order given. Options that all of several runs have stand below, once."""
    common = common_options(rows)
    table = Table(box=SIMPLE, caption=f"all: {' '.join(common)}" if common else None, caption_justify="left")
    table.add_column("run folder", overflow="fold")
    table.add_column("state")
    for heading in ("epoch", "val mIoU", "age"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("options", overflow="ellipsis", no_wrap=True)
    for row in rows:
        miou = "-" if row.val_miou is None else f"{row.val_miou:.4f}"
        state = Text(row.state, STATE_COLORS.get(row.state, "dim"))
        options = Text(" ".join(option for option in row.options if option not in common))
        table.add_row(Text(_folder(row.folder)), state, _epoch(row), miou, _age(row.age_seconds), options)
    return table


def common_options(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """The options of every one of several runs, in the order of the first."""
    if len(rows) < 2:
        return ()
    return tuple(option for option in rows[0].options if all(option in row.options for row in rows))


def _age(seconds: float) -> str:
    return duration(seconds) if math.isfinite(seconds) else "-"


def _epoch(row: RunRow) -> str:
    epoch = "-" if row.epoch is None else str(row.epoch)
    return f"{epoch}/{row.num_epochs}" if row.num_epochs else epoch


def _folder(folder: Path) -> str:
    """As short as it can be typed from here."""
    relative = os.path.relpath(folder)
    return str(folder) if relative.startswith("..") else relative
