"""python -m segexp.sweep: print the status of a sweep."""

import sys
from pathlib import Path

from segexp.config.command_line import entry_point
from segexp.sweep.settings import SweepSettings
from segexp.types import Values


@entry_point("sweep")
def main(values: Values) -> None:
    settings = SweepSettings.of(values)
    from segexp.sweep.slurm import follow, job_statuses
    from segexp.sweep.sweep_folder import SweepFolder
    from segexp.sweep.sweep_progress import SweepProgress

    folder = SweepFolder(Path(settings.folder).expanduser().absolute())
    jobs = folder.jobs()
    if settings.wait:
        sys.exit(follow(folder, jobs))
    statuses = job_statuses(folder, jobs)
    SweepProgress(folder).conclude(statuses)
    sys.exit(any(status.state == "failed" for status in statuses))


if __name__ == "__main__":
    main()
