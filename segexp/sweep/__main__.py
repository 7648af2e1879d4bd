"""python -m segexp.sweep: where a sweep stands."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from segexp.config.command_line import entry
from segexp.config.values import plain_values


@entry("sweep")
def main(config: DictConfig) -> None:
    from segexp.sweep.progress import Progress
    from segexp.sweep.slurm import follow, outcomes
    from segexp.sweep.sweep_folder import SweepFolder

    values = plain_values(config)
    folder = SweepFolder(Path(values["folder"]).expanduser().absolute())
    jobs = folder.jobs()
    if values["wait"]:
        sys.exit(follow(folder, jobs))
    found = outcomes(folder, jobs)
    Progress(folder).conclude(found)
    sys.exit(any(each.state == "failed" for each in found))


if __name__ == "__main__":
    main()
