"""Keep the best checkpoint of a run, even after its folder was moved."""

from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from segexp.system.lightning_internals import ignore_files_in_folder


class KeepCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, which remembers the best score even after the run folder was moved.

    Lightning forgets the best score when the folder's path differs from the one in the checkpoint, and would then
    overwrite the best checkpoint with a worse one.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        ignore_files_in_folder(self)
        super().setup(trainer, pl_module, stage)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        here = {key: self._here(value) if key.endswith("_path") else value for key, value in state_dict.items()}
        here["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**here, "dirpath": self.dirpath})

    def _here(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name) if path else path
