"""Keep checkpoints of a run, wherever its folder is moved."""

from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint


class KeepCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, whose memory of the best score survives a move of the run folder.

    Lightning forgets it when the folder's path differs from that in the checkpoint, and then overwrites the best one.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        here = {key: self._here(value) if key.endswith("_path") else value for key, value in state_dict.items()}
        here["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**here, "dirpath": self.dirpath})

    def _here(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name) if path else path
