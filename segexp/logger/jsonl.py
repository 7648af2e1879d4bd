"""Write metrics.jsonl, the append-only record of a run from which runs are compared."""

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only


class JsonLinesLogger(Logger):
    """Appends one line for each call: {"step": number of the last optimizer step, from 0, "epoch": ..., metrics}.

    folder: the run folder. A line that was written stays, whereas Lightning's CSVLogger rewrites its file for a new
    column and deletes it on resume.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.path = Path(folder) / "metrics.jsonl"

    @property
    def description(self) -> str:
        """Where the metrics go, in words."""
        return self.path.name

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing, since config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        line = json.dumps({"step": step, **finite}) + "\n"
        try:
            self._append(line)
        except OSError as error:
            raise OSError(
                f"could not write {self.path}: {error}; free some space, then continue with resume={self.path.parent}"
            ) from error

    def _append(self, line: str) -> None:
        with self.path.open("ab+") as file:
            if file.tell() and not _ends_a_line(file):
                line = f"\n{line}"  # a kill tore the last row
            file.write(line.encode())


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
