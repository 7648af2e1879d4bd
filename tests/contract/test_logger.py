"""What every file of conf/logger promises: it changes no weight, takes what trainings log, and survives a resume."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import Logger

from segexp import build
from segexp.config.compose import compose
from segexp.display.logged_pictures import LogsPictures, Panel
from segexp.run.checkpoint import model_weights
from segexp.run.folder import RunFolder
from segexp.train.settings import TrainSettings
from segexp.types import Values
from tests.options import folders, options
from tests.training import resume, start


@pytest.fixture(params=options("logger"))
def values(request: pytest.FixtureRequest, small: Callable[..., list[str]], monkeypatch) -> Values:
    for name in ("WANDB_API_KEY", "WANDB_RUN_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    chosen = [each for each in small() if not each.startswith("logger=")]
    return compose("train", [*chosen, f"logger={request.param}"], folders()[1:])


@pytest.mark.fast
def test_every_part_has_a_name_and_is_a_logger(values: Values, tmp_path: Path) -> None:
    TrainSettings.of(values)
    built = build.loggers(values, tmp_path / "run")
    assert len(built) == 1 + len(values["logger"])
    assert all(isinstance(each, Logger) for each in built)
    names = [(each.name, each.version) for each in built]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_it_takes_scores_settings_and_pictures(values: Values, tmp_path: Path) -> None:
    image, mask = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.uint8)
    pictures = {"val/panels": [Panel("scene", image, mask, mask, ["road"])], "val/sheet": image, "val/confusion": image}
    (tmp_path / "run").mkdir()
    for logger in build.loggers(values, tmp_path / "run"):
        logger.log_hyperparams(
            {"loss": {"_target_": "a.b", "sizes": [1, 2]}, "seed": 0, "trainer": {"strategy": "auto"}}
        )
        logger.log_metrics({"val/miou": 0.5, "val/iou/traffic light": float("nan")}, 3)
        if isinstance(logger, LogsPictures):
            logger.log_pictures(pictures, 3)
        logger.save()
        logger.finalize("success")


@pytest.mark.slow
def test_a_run_trains_and_goes_on_as_without_it(values: Values, tmp_path: Path) -> None:
    start({**values, "logger": {}}, tmp_path / "without")
    start(values, tmp_path / "with")
    for name in ("without", "with"):
        resume(tmp_path / name, ["trainer.max_epochs=2"])
    ends = [model_weights(tmp_path / name / "checkpoints/last.ckpt") for name in ("without", "with")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    steps = [[row["step"] for row in RunFolder(tmp_path / name).history()] for name in ("without", "with")]
    assert steps[0] == steps[1]
