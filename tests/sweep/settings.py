"""Settings of the SLURM launcher for tests."""

from typing import Any

from segexp.sweep.settings import SlurmLauncherSettings


def slurm_settings(**values: Any) -> SlurmLauncherSettings:
    """Settings that ask for nothing but 8 CPUs, except for these values."""
    unset = dict.fromkeys(("partition", "account", "constraint", "time", "max_running", "gpus_per_node", "signal"))
    plain = {"cpus_per_task": 8, "requeue": True, "options": {}, "setup": [], "dry_run": False, "wait": False}
    return SlurmLauncherSettings.of({**unset, **plain, **values}, within="hydra.launcher")
