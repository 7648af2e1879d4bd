"""Weights & Biases, offline where there is no key or no network, and never the reason that a training stops."""

import logging
import netrc
import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

log = logging.getLogger(__name__)


def wandb_logger(folder: str, project: str, mode: str | None, entity: str | None, group: str | None) -> Logger:
    """A logger that writes to one W&B run, named as the run folder.

    folder: of the run; W&B keeps its files below it.
    mode: online, offline or disabled; null for online where a key is found. entity, group: as W&B means them.
    """
    settings = {"project": project, "entity": entity, "group": group, "name": Path(folder).name, "save_dir": folder}
    return SteadfastWandbLogger(mode or ("online" if _has_key() else "offline"), settings)


class SteadfastWandbLogger(WandbLogger):
    """WandbLogger that falls back to offline when the server does not answer, and warns once when W&B breaks later."""

    def __init__(self, mode: str, settings: dict[str, Any]) -> None:
        import wandb

        # a kill loses two seconds at most; neither start nor end of a run waits long for a server
        limits = wandb.Settings(init_timeout=15, finish_timeout=60, x_transaction_log_flush_interval=2, silent=True)
        super().__init__(**settings, mode=mode, settings=limits, reinit="create_new", log_model=False)
        self._wandb_init.pop("anonymous", None)  # Lightning passes it, W&B warns of it
        self._broken = False
        self._start()

    @rank_zero_only
    def _start(self) -> None:
        import wandb

        try:
            _ = self.experiment
        except (wandb.errors.CommError, wandb.errors.AuthenticationError, wandb.errors.UsageError) as error:
            log.warning("W&B cannot be reached (%s); this run is recorded offline: wandb sync later", error)
            self._wandb_init["mode"] = "offline"
            _ = self.experiment

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self._guarded(super().log_metrics, metrics, step)

    @rank_zero_only
    def log_media(self, media: dict[str, Any], step: int) -> None:
        """wandb.Image and the like, at an optimizer step."""
        self._guarded(self.experiment.log, {**media, "trainer/global_step": step})

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the W&B run with a true exit code: 0 only for a training that succeeded."""
        self._guarded(self.experiment.finish, 0 if status == "success" else 1)

    def _guarded(self, call: Any, *values: Any) -> None:
        try:
            call(*values)
        except Exception as error:  # whatever W&B's service dies of, the training goes on
            if not self._broken:
                log.warning("W&B does not record any more (%s); metrics.jsonl goes on", error)
            self._broken = True


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
