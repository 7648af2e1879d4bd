"""python -m segexp.sweep: where a sweep stands."""

import sys
from pathlib import Path

from segexp.config.command_line import entry
from segexp.types import Values


@entry("sweep")
def main(values: Values) -> None:
    from segexp.sweep.progress import Progress
    from segexp.sweep.slurm import follow, outcomes
    from segexp.sweep.sweep_folder import SweepFolder

    folder = SweepFolder(Path(values["folder"]).expanduser().absolute())
    jobs = folder.jobs()
    if values["wait"]:
        sys.exit(follow(folder, jobs))
    found = outcomes(folder, jobs)
    Progress(folder).conclude(found)
    sys.exit(any(each.state == "failed" for each in found))


if __name__ == "__main__":
    main()
