"""What a sweep says while it runs: a live table on a terminal, a line for each start and end elsewhere."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.live import Live

from segexp.sweep import report
from segexp.sweep.job import Job
from segexp.sweep.outcome import Outcome
from segexp.sweep.sweep_folder import SweepFolder

UPDATE_SECONDS = 2
LOG_COLUMNS = 160


class Progress:
    """folder: of the sweep."""

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self.console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.updated = 0.0

    def __enter__(self) -> "Progress":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.live:
            self.live.stop()

    def say(self, line: str) -> None:
        with suppress(OSError):  # nobody reads any more: no reason to stop a sweep
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def started(self, job: Job) -> None:
        if not self.live:
            self.say(f"job {job.number} starts  {job.variant}")

    def ended(self, outcome: Outcome) -> None:
        self.say(report.line(outcome))

    def due(self) -> bool:
        """Whether it is time to look again at what running jobs wrote."""
        return self.live is not None and time.monotonic() - self.updated > UPDATE_SECONDS

    def update(self, running: Sequence[Outcome], num_left: int) -> None:
        if self.live:
            self.updated = time.monotonic()
            self.live.update(report.table(running, f"{self.folder.path}: {num_left} to go"), refresh=True)

    def conclude(self, outcomes: Sequence[Outcome]) -> bool:
        """Print the table of the sweep and keep it as sweep.csv; returns whether every job finished."""
        self.console.print(report.table(outcomes, self.folder.path.name))
        self.say(str(report.save(outcomes, self.folder.path)))
        unfinished = [each for each in outcomes if each.state != "finished"]
        if unfinished:
            self.say(f"more in job.log of each; the command in {self.folder.path}/sweep.yaml runs what is left")
        return not unfinished
