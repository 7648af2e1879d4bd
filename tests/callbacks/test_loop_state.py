"""A run that goes on has every metric where it was, whatever the task calls it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchmetrics import CatMetric, SumMetric

from segexp.run.folder import RunFolder
from segexp.train.task import SegmentationTask
from segexp.types import Values
from tests.training import start

OWN_TASK = f"task._target_={__name__}.CountingTask"


class CountingTask(SegmentationTask):
    """Counts images of both splits and keeps what it trained on, in metrics of its own names."""

    signal_at: tuple[str, int] | None = None
    """The split and the batch at which the process gets SIGTERM."""

    def __init__(self, *parts, **named) -> None:
        super().__init__(*parts, **named)
        self.images = torch.nn.ModuleDict({"of_train": SumMetric(), "of_val": SumMetric()})
        self.targets = CatMetric()

    def training_step(self, batch, batch_index: int):
        self.targets.update(batch.target.sum(dtype=torch.float32))
        self.count("train", batch, batch_index)
        return super().training_step(batch, batch_index)

    def validation_step(self, batch, batch_index: int) -> None:
        self.count("val", batch, batch_index)
        super().validation_step(batch, batch_index)

    def count(self, split: str, batch, batch_index: int) -> None:
        self.images[f"of_{split}"].update(len(batch.target))
        if self.signal_at == (split, batch_index):
            os.kill(os.getpid(), signal.SIGTERM)

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        self.log_count("train")
        self.log("train/target_variance", self.targets.compute().var())
        self.targets.reset()

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        self.log_count("val")

    def log_count(self, split: str) -> None:
        self.log(f"{split}/images", self.images[f"of_{split}"].compute())
        self.images[f"of_{split}"].reset()


@pytest.fixture(scope="module")
def values(compose_small: Callable[..., Values]) -> Values:
    return compose_small(OWN_TASK, "trainer.max_epochs=2", "on_existing=resume", "callbacks.panels.num_scenes=0")


@pytest.fixture(scope="module")
def whole(values: Values, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that nobody stopped."""
    run = RunFolder(tmp_path_factory.mktemp("whole") / "run")
    start(values, run.path)
    return run


@pytest.mark.parametrize("stop", [("train", 1), ("val", 0), ("val", 1)], ids=lambda stop: f"{stop[0]}-{stop[1]}")
def test_a_stop_in_the_middle_counts_nothing_twice_and_loses_nothing(
    values: Values, whole: RunFolder, tmp_path: Path, monkeypatch, stop: tuple[str, int]
) -> None:
    parts = RunFolder(tmp_path / "parts")
    monkeypatch.setattr(CountingTask, "signal_at", stop)
    with pytest.raises(SystemExit):
        start(values, parts.path)
    monkeypatch.setattr(CountingTask, "signal_at", None)
    start(values, parts.path)
    assert scores(parts) == scores(whole)
    assert {row["train/images"] for row in parts.history() if "train/images" in row} == {6.0}
    assert {row["val/images"] for row in parts.history() if "val/images" in row} == {3.0}
    ends = [torch.load(run.checkpoint("last"), weights_only=True)["state_dict"] for run in (whole, parts)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def scores(run: RunFolder) -> list[Values]:
    return [
        {key: value for key, value in row.items() if "seconds" not in key and "per_second" not in key}
        for row in run.history()
    ]
