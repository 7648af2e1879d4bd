"""Check before a training that all of its nodes see the same run folder."""

import os
import time
import uuid
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer


class CheckSharedFolder(Callback):
    """Raises ValueError on all ranks if a node does not see the file that rank 0 writes into the run folder.

    folder: the run folder. timeout_seconds: how long a network file system may take to show the file.
    """

    changes_weights = False

    def __init__(self, folder: str, timeout_seconds: float) -> None:
        self.folder = Path(folder)
        self.timeout_seconds = timeout_seconds

    def setup(self, trainer: Trainer, task: LightningModule, stage: str) -> None:
        if trainer.num_nodes == 1:
            return
        token = self.folder / trainer.strategy.broadcast(f".shared-{uuid.uuid4().hex}")
        if trainer.is_global_zero:
            token.touch()
        trainer.strategy.barrier("run folder")
        seen_by_all = trainer.strategy.reduce_boolean_decision(self._appears(token), all=True)
        trainer.strategy.barrier("run folder")
        if trainer.is_global_zero:
            token.unlink()
        if not seen_by_all:
            raise ValueError(
                f"the run folder {self.folder} is not shared: not every node sees what rank 0 writes there within "
                f"{self.timeout_seconds} s; set hydra.run.dir to a folder of a file system that all nodes mount"
            )

    def _appears(self, token: Path) -> bool:
        deadline = time.monotonic() + self.timeout_seconds
        while not (appeared := token.name in os.listdir(token.parent)) and time.monotonic() < deadline:  # noqa: PTH208
            time.sleep(0.2)
        return appeared
