"""The launchers local and slurm, under the only package name from which Hydra takes plugins.

The code is in segexp/sweep/ and is loaded when a sweep starts.
"""

from collections.abc import Sequence
from typing import Any

from hydra.plugins.launcher import Launcher


class LocalLauncher(Launcher):
    kind = "local"

    def __init__(self, **settings: Any) -> None:
        """settings: ignored here; `launch` reads hydra.launcher from the configuration."""

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.config, self.loader = config, hydra_context.config_loader

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list:
        from segexp.sweep.multirun import launch

        launch(self.kind, self.config, self.loader, job_overrides, initial_job_idx)
        return []


class SlurmLauncher(LocalLauncher):
    kind = "slurm"
