"""What TensorBoard itself reads back of a training."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from segexp.logger.jsonl import JsonLinesLogger
from segexp.logger.tensorboard import TensorBoardLogger
from segexp.run.folder import RunFolder
from segexp.types import Values
from tests.conftest import PICTURES
from tests.training import start


def read(folder: Path) -> EventAccumulator:
    """Everything that TensorBoard shows of a run folder."""
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def points(events: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(point.step, round(point.value, 6)) for point in events.Scalars(name)]


def log(folder: Path, rows: list[tuple[int, dict[str, float]]], settings: Values | None = None) -> None:
    """One process of a training: to metrics.jsonl first, as every training does, and to TensorBoard."""
    loggers = [JsonLinesLogger(str(folder)), TensorBoardLogger(str(folder), "val/miou")]
    loggers[1].log_hyperparams(settings or {})
    for step, metrics in rows:
        for logger in loggers:
            logger.log_metrics(metrics, step)
    loggers[1].finalize("success")


def test_a_training_is_shown_with_its_scores_and_pictures(compose_small, tmp_path: Path) -> None:
    start(compose_small("logger=tensorboard", "trainer.max_epochs=2", PICTURES), tmp_path / "run")
    events, history = read(tmp_path / "run"), RunFolder(tmp_path / "run").history()
    for name in ("val/miou", "train/loss_step", "val/iou/human"):
        recorded = [(row["step"], round(row[name], 6)) for row in history if name in row]
        assert points(events, name) == recorded
        assert recorded
    assert events.Tags()["images"] == ["val/sheet", "val/confusion"]
    assert [picture.step for picture in events.Images("val/sheet")] == [2, 5]


def test_the_tab_of_hyper_parameters_has_the_settings_and_the_best_score(tmp_path: Path) -> None:
    settings = {"seed": 0, "loss": {"_target_": "a.b", "gamma": 2.5}, "x": None, "size": [1, 2]}
    log(tmp_path, [(step, {"val/miou": score}) for step, score in enumerate((0.2, 0.5, 0.3))], settings)
    events = read(tmp_path)
    assert points(events, "best/val/miou")[-1] == (2, 0.5)
    content = events.summary_metadata[metadata.SESSION_START_INFO_TAG].plugin_data.content
    shown: Any = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert {key: value.WhichOneof("kind") for key, value in shown.items()} == {
        "seed": "number_value",
        "loss._target_": "string_value",
        "loss.gamma": "number_value",
        "x": "string_value",
        "size": "string_value",
    }


def test_after_a_kill_and_a_resume_every_step_is_there_once(tmp_path: Path) -> None:
    """The checkpoint was written in the validation behind step 2; what came later is trained again."""
    log(tmp_path, [(1, {"loss": 0.1}), (2, {"loss": 0.2}), (2, {"val/miou": 0.9}), (3, {"loss": 9}), (4, {"loss": 9})])
    log(tmp_path, [(2, {"val/miou": 0.8}), (3, {"loss": 0.3}), (5, {"loss": 0.5}), (6, {"val/miou": 0.6})])
    events = read(tmp_path)
    assert points(events, "loss") == [(1, 0.1), (2, 0.2), (3, 0.3), (5, 0.5)]
    assert points(events, "val/miou") == [(2, 0.8), (6, 0.6)]
    assert points(events, "best/val/miou") == [(2, 0.8), (6, 0.8)]


def test_a_picture_is_the_array_that_was_logged(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    logger = TensorBoardLogger(str(tmp_path), "val/miou")
    logger.log_pictures({"val/sheet": picture, "val/panels": []}, 7)
    logger.finalize("success")
    (shown,) = read(tmp_path).Images("val/sheet")
    assert (shown.step, shown.height, shown.width) == (7, 4, 5)
    assert shown.encoded_image_string.startswith(b"\x89PNG")


def test_a_missing_package_is_answered_with_the_command_that_installs_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match=r"needs the package tensorboard; pip install 'segexp\[tensorboard\]'"):
        TensorBoardLogger(str(tmp_path), "val/miou")
