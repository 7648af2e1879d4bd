"""Settings of python -m segexp.sweep and of the launchers that start sweeps."""

from typing import Annotated

from segexp.config.schema import Allowed, Count, Folder, NotNegative, Settings, WholeNumber

SlurmValue = Annotated[str | int, Allowed("a text or a whole number, as sbatch takes it")]
SlurmOption = Annotated[
    str | int | float | None, Allowed("a text or a number, as sbatch takes it; null for an option without a value")
]
ShellLines = Annotated[
    list[str], Allowed("a list of lines of shell, such as 'hydra.launcher.setup=[module load cuda]'")
]


class SweepSettings(Settings):
    """Everything in conf/sweep.yaml."""

    folder: Folder
    wait: bool


class LocalLauncherSettings(Settings):
    """Everything in conf/hydra/launcher/local.yaml but `_target_`."""

    num_parallel: Count | None
    stop_seconds: NotNegative


class SlurmLauncherSettings(Settings):
    """Everything in conf/hydra/launcher/slurm.yaml but `_target_`."""

    partition: SlurmValue | None
    account: SlurmValue | None
    constraint: SlurmValue | None
    time: SlurmValue | None
    max_running: Count | None
    cpus_per_task: Count
    gpus_per_node: WholeNumber | None
    signal: SlurmValue | None
    requeue: bool
    options: dict[str, SlurmOption]
    setup: ShellLines
    dry_run: bool
    wait: bool
