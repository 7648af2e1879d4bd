"""Log to Weights & Biases: offline without a key or a network, and never the reason that a training stops."""

import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from segexp.display.logged_pictures import Panel, Pictures
from segexp.logger import wandb_files
from segexp.logger.run_choices import run_choices
from segexp.system.lightning_internals import wandb_arguments
from segexp.system.signals import INTERRUPTED, Stopped

log = logging.getLogger(__name__)

MODES = ("online", "offline", "disabled")
FORKING = ("ddp_fork", "ddp_fork_find_unused_parameters_true", "ddp_notebook")
LIMITS: dict[str, Any] = {
    "init_timeout": 10,
    "finish_timeout": 25,  # below the 30 seconds between SLURM's SIGTERM and SIGKILL
    "finish_timeout_raises": True,
    "x_transaction_log_flush_interval": 1,  # what a kill loses
    "silent": True,
}


def wandb_logger(folder: str, project: str, mode: str | None, entity: str | None, group: str | None) -> Logger:
    """A logger for one W&B run, which is named like the run folder and goes on when the run is resumed.

    folder: the run folder; W&B keeps its files in wandb/ below it.
    mode: online, offline or disabled; None for the environment's WANDB_MODE, or else online if there is a key.
    project, entity, group: as in wandb.init.
    """
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # W&B's telemetry, which also looks up addresses when offline
    for name in ("DATA", "CACHE"):
        os.environ.setdefault(f"WANDB_{name}_DIR", str(Path(folder) / "wandb" / name.lower()))
    chosen = mode or os.environ.get("WANDB_MODE") or ("online" if wandb_files.has_key() else "offline")
    if chosen not in MODES:
        raise ValueError(f"logger.wandb.mode is {chosen!r}; allowed: {', '.join(MODES)}, or null to choose by the key")
    settings = {"project": project, "entity": entity, "group": group, "name": Path(folder).name}
    return SteadfastWandbLogger(Path(folder), chosen, settings)


class SteadfastWandbLogger(WandbLogger):
    """WandbLogger that goes on offline if the server does not answer, and warns once if W&B breaks later.

    folder: the run folder. settings: further arguments of wandb.init. The W&B run begins when something is logged.
    """

    def __init__(self, folder: Path, mode: str, settings: Mapping[str, Any]) -> None:
        import wandb

        limits = wandb.Settings(**LIMITS)
        super().__init__(
            **settings, save_dir=str(folder), mode=mode, settings=limits, reinit="create_new", log_model=False
        )
        wandb_arguments(self).pop("anonymous", None)  # Lightning passes it, W&B warns of it
        self._folder = folder
        self._is_broken = False

    @property
    def description(self) -> str:
        """Where the metrics go, in words, and how they get to the server later."""
        mode = wandb_arguments(self)["mode"]
        later = f", to be sent by: wandb sync {self._folder / 'wandb/offline-run-*'}" if mode == "offline" else ""
        return f"W&B {mode}{later}"

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The W&B run. Raises ValueError if W&B refuses the settings even offline."""
        if self._experiment is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            wandb_arguments(self)["id"] = self._id = wandb_files.run_id(self._folder)
            self._begin()
        return self._experiment

    def _begin(self) -> None:
        import wandb

        earlier = wandb_files.segments(self._folder)
        try:
            _ = super().experiment
        except Exception as error:
            if wandb_arguments(self)["mode"] == "online":
                log.warning(
                    "W&B cannot be reached (%s); this run is recorded offline; later: wandb sync %s",
                    *(_first_line(error), self._folder / "wandb/offline-run-*"),
                )
                wandb.teardown()  # its service still holds the run's id
                for begun in wandb_files.segments(self._folder) - earlier:
                    shutil.rmtree(begun, ignore_errors=True)  # `wandb sync` would trip over it
                wandb_arguments(self)["mode"] = "offline"
                self._begin()
            elif isinstance(error, wandb.errors.UsageError):
                raise ValueError(f"W&B does not take the settings of logger.wandb: {error}") from error
            else:
                self._warn_once(error)
                self._experiment = wandb.init(mode="disabled")

    @rank_zero_only
    def log_hyperparams(self, params: Any) -> None:
        """Log the nested configuration and the chosen options; runs can be grouped by choices.loss or loss._target_."""
        if params.get("trainer", {}).get("strategy") in FORKING:
            raise ValueError("W&B loses every metric of forked ranks; use trainer.strategy=ddp, or another logger")
        choices = run_choices(self._folder)
        _ = self.experiment  # what W&B does not take is the user's to know
        self._guarded(super().log_hyperparams, {**params, **({"choices": choices} if choices else {})})

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self._guarded(super().log_metrics, metrics, step)

    @rank_zero_only
    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Log pictures in one row; panels are images with their masks as layers."""
        self._guarded(lambda: self.experiment.log({**_images(pictures), "trainer/global_step": step}))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the W&B run with an exit code that is 0 only for a training that succeeded.

        A training that a signal stopped, to go on later, is marked as preempted: a W&B sweep gives it to another agent.
        """
        error = sys.exc_info()[1]
        if self._experiment is None:
            return
        if isinstance(error, Stopped) and error.by == signal.SIGUSR1:
            self._guarded(lambda: self.experiment.mark_preempting())
        self._guarded(self._finish, exit_code(status, error))

    def _finish(self, code: int) -> None:
        file = Path(self.experiment.settings.sync_file)
        try:
            self.experiment.finish(code)
        except TimeoutError:
            log.warning("W&B took too long to upload the rest of this run; later: wandb sync %s", file.parent)
        if wandb_arguments(self)["mode"] != "disabled" and not self._is_broken:
            self._check(file)

    def _check(self, file: Path) -> None:
        if not wandb_files.is_complete(file):
            free = shutil.disk_usage(file.parent).free // 2**20
            log.warning(
                "W&B did not write %s to its end (%d MiB are free on that disk%s); metrics.jsonl has every score; free "
                "some space before the next run",
                *(file, free, ", it ran full" if wandb_files.ran_full(file) else ""),
            )

    def _guarded(self, call: Callable[..., Any], *values: Any) -> None:
        try:
            call(*values)
        except Exception as error:  # whatever W&B's service dies of, the training goes on
            self._warn_once(error)

    def _warn_once(self, error: Exception) -> None:
        if not self._is_broken:
            log.warning("W&B has stopped recording (%s); metrics.jsonl still has every score", _first_line(error))
        self._is_broken = True


def exit_code(status: str, error: BaseException | None) -> int:
    """The exit code of a W&B run: 0 succeeded, 143 stopped by a signal, 130 interrupted, 1 failed.

    status: Lightning's status of the training. error: the exception that ends the training, None if there is none.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code or 1  # a training that exits before its end has not succeeded
    return 0 if status == "success" else 1


def _images(pictures: Pictures) -> dict[str, Any]:
    import wandb

    return {
        name: [_layered(panel) for panel in picture] if isinstance(picture, Sequence) else wandb.Image(picture)
        for name, picture in pictures.items()
    }


def _layered(panel: Panel) -> Any:
    import wandb

    labels = dict(enumerate(panel.class_names))
    masks = {"prediction": panel.prediction, "truth": panel.target}
    layers = {name: {"mask_data": mask, "class_labels": labels} for name, mask in masks.items()}
    return wandb.Image(panel.image, masks=layers, caption=panel.caption)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
