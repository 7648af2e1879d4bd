"""The real W&B client, offline, in front of a stand-in server, and when that is not there or is lost."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from wandb.sdk.lib.urls import DEFAULT_BASE_URL

from segexp.logger.wandb import wandb_logger
from segexp.logger.wandb_files import has_key
from segexp.run.folder import RunFolder
from tests.logger.client import KEY, TEN_ROWS, exit_codes, history, log, online, run, train
from tests.wandb_standin import Standin


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ERROR_REPORTING", "DATA_DIR", "CACHE_DIR", "MODE", "API_KEY", "BASE_URL", "RUN_ID"):
        monkeypatch.setenv(f"WANDB_{name}", "")  # remembered, so that it is restored
        monkeypatch.delenv(f"WANDB_{name}")


def test_without_a_key_a_training_is_recorded_offline(tmp_path: Path, overrides: list[str]) -> None:
    answer = train(tmp_path / "run", overrides)
    assert answer.returncode == 0, answer.stderr
    logged = {name for row in history(tmp_path / "run") for name in row}
    assert {"val/miou", "val/iou/sky", "train/loss", "train/lr", "trainer/global_step"} <= logged
    assert any(name.startswith("val/panels") for name in logged)
    assert any(name.startswith("val/confusion") for name in logged)
    assert exit_codes(tmp_path / "run") == [0]
    assert all("run" in path.parts for path in tmp_path.rglob("*wandb*"))  # nothing in the home


def test_a_server_gets_scores_pictures_group_and_nested_configuration(tmp_path: Path, overrides: list[str]) -> None:
    with Standin() as server:
        answer = train(tmp_path / "run", [*overrides, "logger.wandb.group=losses", "loss=focal"], **online(server.url))
        assert answer.returncode == 0, answer.stderr
    ((name, seen),) = server.runs.items()
    assert not server.unknown
    assert name == (tmp_path / "run/wandb_id").read_text().strip()
    assert (seen.facts["project"], seen.facts["groupName"], seen.facts["displayName"]) == ("segexp", "losses", "run")
    weights = {"auxiliary_weight": None, "boundary_weight": None}
    assert seen.config["loss"] == {"_target_": "segexp.loss.focal.Focal", "gamma": 2.0, **weights}
    assert seen.config["choices"]["loss"] == "focal"
    assert seen.exit_code == 0
    scores = [row["val/miou"] for row in RunFolder(tmp_path / "run").history() if "val/miou" in row]
    assert [row["val/miou"] for row in seen.history if "val/miou" in row] == pytest.approx(scores)
    assert any(path.endswith(".png") for path in server.files)
    assert not any(path.endswith(".ckpt") for path in server.files)


@pytest.mark.slow
def test_a_resumed_run_goes_on_in_its_w_and_b_run(tmp_path: Path) -> None:
    again = 'logger = wandb_logger(logger.save_dir, "segexp", None, None, "some sweep")'
    lines = f"{TEN_ROWS}\nlogger.finalize('success')\n"
    with Standin() as server:
        answer = log(tmp_path / "run", f"{lines}\n{again}\n{lines}", **online(server.url))
        assert answer.returncode == 0, answer.stderr
    (seen,) = server.runs.values()
    assert len(seen.history) == 20


def seconds_offline(tmp_path: Path, lines: str) -> list[float]:
    """What the lines print where there is no server: how fast this machine is now."""
    answer = log(tmp_path / "offline", lines, WANDB_MODE="offline")
    assert answer.returncode == 0, answer.stderr
    return [float(value) for value in answer.stdout.split()]


@pytest.mark.slow
@pytest.mark.parametrize("code", [401, 500, "refused", "hang"])
def test_a_server_that_cannot_be_reached_means_offline_within_15_seconds(tmp_path: Path, code) -> None:
    lines = f"began = time.monotonic()\n{TEN_ROWS}\nprint(time.monotonic() - began)\nlogger.finalize('success')"
    (offline,) = seconds_offline(tmp_path, lines)
    with Standin(60 if code == "hang" else 0, lambda name: code if code != "hang" else None) as server:
        url = "http://127.0.0.1:9" if code == "refused" else server.url
        answer = log(tmp_path / "run", lines, **online(url))
    assert answer.returncode == 0, answer.stderr
    assert "this run is recorded offline" in answer.stderr
    assert "has stopped recording" not in answer.stderr
    assert float(answer.stdout) < 15 + 2 * offline  # W&B's service is started twice
    assert len(history(tmp_path / "run")) == 10
    (folder,) = (path for path in (tmp_path / "run/wandb").glob("*run-*") if not path.is_symlink())
    assert folder.name.startswith("offline-run-")


@pytest.mark.slow
def test_a_server_lost_on_the_way_neither_stalls_nor_loses_a_row(tmp_path: Path) -> None:
    lines = f"""
{TEN_ROWS}
open({str(tmp_path / "lost")!r}, "w").close()
began = time.monotonic()
for step in range(10, 60):
    logger.log_metrics({{"val/miou": 0.1}}, step)
slowest = time.monotonic() - began
logger.finalize("success")
print(slowest, time.monotonic() - began)
"""
    logging_offline, whole_offline = seconds_offline(tmp_path, lines)
    (tmp_path / "lost").unlink()
    with Standin(fault=lambda name: 500 if (tmp_path / "lost").exists() else None) as server:
        answer = log(tmp_path / "run", lines, **online(server.url))
    assert answer.returncode == 0, answer.stderr
    logging, whole = (float(value) for value in answer.stdout.split())
    assert logging - logging_offline < 2
    assert whole - whole_offline < 35
    assert "later: wandb sync" in answer.stderr
    assert len(history(tmp_path / "run")) == 60


@pytest.mark.slow
def test_offline_runs_are_synced_later_as_one_run(tmp_path: Path) -> None:
    for _ in range(2):
        assert log(tmp_path / "run", f"{TEN_ROWS}\nlogger.finalize('success')").returncode == 0
    folders = sorted(str(path) for path in (tmp_path / "run/wandb").glob("offline-run-*"))
    assert len(folders) == 2
    with Standin() as server:
        answer = run("-m", "wandb", "sync", *folders, home=tmp_path, **online(server.url))
        assert answer.returncode == 0, answer.stderr
    (seen,) = server.runs.values()
    assert len(seen.history) == 20
    assert seen.facts["groupName"] == "some sweep"


def test_what_w_and_b_does_not_take_is_the_users_to_know(tmp_path: Path, clean_environment) -> None:
    with pytest.raises(ValueError, match=r"logger\.wandb\.mode is 'onlin'; allowed: online, offline, disabled"):
        wandb_logger(str(tmp_path), "segexp", "onlin", None, None)
    logger = wandb_logger(str(tmp_path), "segexp", "offline", None, None)
    with pytest.raises(ValueError, match=r"use trainer\.strategy=ddp"):
        logger.log_hyperparams({"trainer": {"strategy": "ddp_fork"}})


@pytest.mark.parametrize(
    ("server", "machine", "is_found"),
    [
        (None, urlsplit(DEFAULT_BASE_URL).netloc, True),
        (None, "api.wandb.ai", True),
        ("https://wandb.lab:8080", "wandb.lab:8080", True),
        ("https://wandb.lab:8080", "api.wandb.ai", False),
    ],
)
def test_a_key_is_found_where_wandb_login_stores_it(
    tmp_path: Path, clean_environment, monkeypatch: pytest.MonkeyPatch, server: str | None, machine: str, is_found: bool
) -> None:
    (tmp_path / "netrc").write_text(f"machine {machine}\n  login user\n  password {KEY}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    if server:
        monkeypatch.setenv("WANDB_BASE_URL", server)
    assert has_key() is is_found


def test_telemetry_is_off_and_staging_stays_in_the_run_folder(tmp_path: Path, clean_environment) -> None:
    wandb_logger(str(tmp_path), "segexp", None, None, None)
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    assert os.environ["WANDB_DATA_DIR"].startswith(str(tmp_path))


@pytest.mark.slow
def test_other_loggers_do_not_import_wandb(tmp_path: Path, small) -> None:
    program = """
import sys
from pathlib import Path
from segexp import build
from tests.training import start
for logger in ("none", "csv"):
    config = build.compose("train", [*sys.argv[2:], f"logger={logger}"])
    start(config, Path(sys.argv[1]) / logger)
    assert "wandb" not in sys.modules, logger
"""
    overrides = [each for each in small() if each != "logger=none"]
    answer = run("-c", program, str(tmp_path), *overrides, home=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "csv/csv/metrics.csv").is_file()
