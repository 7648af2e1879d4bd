"""Progress of a running sweep: a live table on a terminal, a line for each start and end elsewhere."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.live import Live

from segexp.sweep import status_table
from segexp.sweep.job import Job
from segexp.sweep.job_status import JobStatus
from segexp.sweep.sweep_folder import SweepFolder

UPDATE_SECONDS = 2
LOG_COLUMNS = 160


class SweepProgress:
    """Prints what happens in a sweep."""

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self.console = Console(width=None if sys.stdout.isatty() else LOG_COLUMNS)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.last_update = 0.0

    def __enter__(self) -> "SweepProgress":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.live:
            self.live.stop()

    def print(self, line: str) -> None:
        with suppress(OSError):  # a closed terminal or pipe is no reason to stop a sweep
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def print_start(self, job: Job) -> None:
        if not self.live:
            self.print(f"job {job.number} starts  {job.variant}")

    def print_end(self, status: JobStatus) -> None:
        self.print(status_table.line(status))

    def is_due(self) -> bool:
        """Whether it is time to read again what running jobs wrote."""
        return self.live is not None and time.monotonic() - self.last_update > UPDATE_SECONDS

    def update(self, running: Sequence[JobStatus], num_left: int) -> None:
        """Redraw the live table. num_left: jobs that run or wait."""
        if self.live:
            self.last_update = time.monotonic()
            self.live.update(status_table.table(running, f"{self.folder.path}: {num_left} to go"), refresh=True)

    def conclude(self, statuses: Sequence[JobStatus]) -> bool:
        """Print the table of the sweep and keep it as sweep.csv; return whether every job finished."""
        self.console.print(status_table.table(statuses, self.folder.path.name))
        self.print(str(status_table.save(statuses, self.folder.path)))
        all_finished = all(status.state == "finished" for status in statuses)
        if not all_finished:
            self.print(
                f"each run folder has the details in job.log; the command in {self.folder.path}/sweep.yaml runs what "
                "is not finished"
            )
        return all_finished
