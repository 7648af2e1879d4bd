"""Log to TensorBoard: scalars, pictures and hyper-parameters, below the run folder."""

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from segexp.config.values import flat_values
from segexp.display.logged_pictures import Pictures, arrays
from segexp.run.folder import RunFolder
from segexp.types import Values

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardLogger(Logger):
    """Writes event files to tensorboard/ of the run folder: `tensorboard --logdir outputs/runs` shows all runs.

    folder: the run folder. score: the metric whose best value stands beside the settings in the tab HPARAMS, as
    best/SCORE.
    Everything is on disk once it is logged. A run that goes on after a kill takes back what was logged of steps that it
    trains again, so that each step is shown once. Raises ValueError if the package tensorboard is missing.
    """

    def __init__(self, folder: str, score: str) -> None:
        super().__init__()
        if importlib.util.find_spec("tensorboard") is None:
            raise ValueError("logger=tensorboard needs the package tensorboard; pip install 'segexp[tensorboard]'")
        self.run = RunFolder(Path(folder))
        self.score = score
        self.hyperparams: Values = {}
        self.writer: SummaryWriter | None = None
        self.best = -math.inf

    @property
    def name(self) -> str:
        return "tensorboard"

    @property
    def version(self) -> str:
        return ""

    @property
    @rank_zero_experiment
    def experiment(self) -> "SummaryWriter | None":
        """The writer, for whatever else a callback logs; None until a metric was logged, whose step it must know."""
        return self.writer

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Show the settings in the tab HPARAMS, each under its dotted key."""
        self.hyperparams = {key: _shown(value) for key, value in flat_values(params).items()}

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        step = step or 0
        writer = self._writer_from(step, metrics)
        _add(writer, metrics, step)
        if self.score in metrics:
            self.best = max(self.best, metrics[self.score])
            writer.add_scalar(f"best/{self.score}", self.best, step)
        writer.flush()  # a kill would lose the steps before the checkpoint, which are not trained again

    @rank_zero_only
    def log_pictures(self, pictures: Pictures, step: int) -> None:
        writer = self._writer_from(step)
        for name, picture in arrays(pictures).items():
            writer.add_image(name, picture, step, dataformats="HWC")
        writer.flush()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        if self.writer is not None:
            self.writer.close()

    def _writer_from(self, step: int, metrics: Mapping[str, float] | None = None) -> "SummaryWriter":
        """The writer; it begins by taking back what an earlier attempt logged from this step on.

        Of this very step that attempt may have logged other metrics before its checkpoint: they are written again.
        """
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.run.path / "tensorboard"), purge_step=step)
            self._write_hyperparams(self.writer)
            earlier = self.run.history()
            self.best = max(
                (row[self.score] for row in earlier if row["step"] <= step and self.score in row), default=self.best
            )
            for row in earlier:
                if row["step"] == step:
                    _add(self.writer, {name: row[name] for name in row.keys() - {"step", *(metrics or {})}}, step)
        return self.writer

    def _write_hyperparams(self, writer: "SummaryWriter") -> None:
        from torch.utils.tensorboard.summary import hparams

        for summary in hparams(self.hyperparams, {f"best/{self.score}": math.nan}):
            writer._get_file_writer().add_summary(summary)


def _add(writer: "SummaryWriter", metrics: Mapping[str, float], step: int) -> None:
    for name, value in metrics.items():
        writer.add_scalar(name, value, step)


def _shown(value: Any) -> bool | str | float:
    """A value as HPARAMS can show and sort it: lists and nulls are texts."""
    return value if isinstance(value, bool | str | int | float) else "null" if value is None else str(value)
