"""What MLflow's own client reads back of a training, and that a training does not wait for a server."""

import logging
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from segexp.config.values import flat_values
from segexp.logger.mlflow import MAX_KEPT, mlflow_logger
from segexp.run.folder import RunFolder
from tests.conftest import PICTURES
from tests.training import resume, start


@pytest.fixture(autouse=True)
def no_server_of_this_machine(monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def stored(folder: Path):
    """The one MLflow run of a run folder, its client, and all points of a metric."""
    from mlflow import MlflowClient

    client = MlflowClient((folder.parent / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("segexp").experiment_id])
    return run, client


def points(folder: Path, name: str) -> list[tuple[int, float]]:
    run, client = stored(folder)
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]


def test_a_training_is_stored_with_its_scores_settings_and_pictures(compose_small, tmp_path: Path) -> None:
    values = compose_small("logger=mlflow", "trainer.max_epochs=2", PICTURES)
    start(values, tmp_path / "run", {"loss": "cross_entropy"})
    run, client = stored(tmp_path / "run")
    history = RunFolder(tmp_path / "run").history()
    for name in ("val/miou", "train/loss_step", "val/iou/human"):
        assert points(tmp_path / "run", name) == [(row["step"], row[name]) for row in history if name in row]
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert run.data.params["choices.loss"] == "cross_entropy"
    assert run.data.params["optimizer.lr"] == str(flat_values(values)["optimizer.lr"])
    assert "<" not in "".join(run.data.params.values())
    pictures = [file.path for file in client.list_artifacts(run.info.run_id, "images") if file.path.endswith(".png")]
    assert len(pictures) == 4  # sheet and confusion matrix of two epochs


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(compose_small, tmp_path: Path) -> None:
    start(compose_small("logger=mlflow"), tmp_path / "run")
    resume(tmp_path / "run", ["trainer.max_epochs=2"])
    run, _ = stored(tmp_path / "run")
    assert [step for step, _ in points(tmp_path / "run", "val/miou")] == [2, 5]
    assert run.info.status == "FINISHED"


def test_a_store_that_lost_the_run_gets_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/mlflow_id").write_text("0123456789abcdef0123456789abcdef\n")
    logger = mlflow_logger(str(tmp_path / "run"), None, "segexp")
    logger.log_metrics({"val/miou": 0.5, "nothing": float("nan")}, 3)
    logger.finalize("success")
    assert points(tmp_path / "run", "val/miou") == [(3, 0.5)]
    assert "nothing" not in stored(tmp_path / "run")[0].data.metrics


def test_what_mlflow_would_refuse_is_made_to_fit(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    logger = mlflow_logger(str(tmp_path / "run"), None, "segexp")
    logger.log_hyperparams({"long": "x" * 9000, "many": {str(number): number for number in range(300)}, "empty": {}})
    logger.log_metrics({f"val/iou/a+b {number}": 0.1 for number in range(1200)}, 0)
    logger.finalize("failed")
    run, _ = stored(tmp_path / "run")
    assert (len(run.data.params), len(run.data.params["long"])) == (301, 6000)
    assert len(run.data.metrics) == 1200
    assert run.info.status == "FAILED"


def test_a_server_that_refuses_or_hangs_is_said_once_and_hardly_waited_for(tmp_path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "run").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as hanging, caplog.at_level(logging.WARNING, "segexp.logger.mlflow"):
        logger = mlflow_logger(str(tmp_path / "run"), f"http://127.0.0.1:{hanging.getsockname()[1]}", "segexp")
        began = time.monotonic()
        logger.log_hyperparams({"seed": 0})
        for step in range(1000):
            logger.log_metrics({"val/miou": 0.1}, step)
            logger.log_pictures({"val/sheet": np.zeros((4, 4, 3), np.uint8)}, step)
        logger.finalize("success")
        assert time.monotonic() - began < 10
    assert [record.getMessage().partition(" at ")[0] for record in caplog.records] == ["MLflow", "MLflow"]
    assert "does not answer" in caplog.text
    assert "did not take 1001 values of this run; metrics.jsonl has all of them" in caplog.text


def test_what_waits_for_a_dead_server_is_bounded_and_what_was_dropped_is_counted(tmp_path: Path, caplog) -> None:
    (tmp_path / "run").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    logger = mlflow_logger(str(tmp_path / "run"), f"http://127.0.0.1:{port}", "segexp")
    values = {f"val/iou/{number}": 0.1 for number in range(1000)}
    for step in range(MAX_KEPT // len(values) + 3):
        logger.log_metrics(values, step)
    assert (len(logger.metrics), logger.metrics[0].step) == (MAX_KEPT, 3)
    logger.finalize("success")
    assert f"did not take {MAX_KEPT + 3000} values" in caplog.text


def test_a_missing_package_is_answered_with_the_command_that_installs_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ValueError, match=r"logger=mlflow needs MLflow's client; pip install 'segexp\[mlflow\]'"):
        mlflow_logger(str(tmp_path), None, "segexp")
