"""What W&B holds of a run, and is told of its end, however that comes: by a kill, a signal, a full disk."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segexp.logger.wandb import exit_code
from segexp.run.folder import RunFolder
from segexp.system.signals import Stopped
from tests.logger.client import TEN_ROWS, environment, exit_codes, history, log, online, records, train
from tests.process import PATIENCE, until
from tests.wandb_standin import Standin


@pytest.mark.slow
def test_a_kill_loses_at_most_two_seconds(tmp_path: Path) -> None:
    """Where the machine gives W&B's service its turn, as it does in one attempt out of three."""
    assert any(seconds_lost_by_a_kill(tmp_path / f"{attempt}") < 2 for attempt in range(3))


def seconds_lost_by_a_kill(folder: Path) -> float:
    lines = """
logger.log_metrics({"time": time.time()}, 0)  # starts W&B's service, which takes seconds
begin = time.time()
for step in range(1, 1000):
    logger.log_metrics({"time": time.time()}, step)
    if time.time() > begin + 4:
        print(time.time(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
"""
    answer = log(folder, lines)
    assert answer.returncode == -signal.SIGKILL
    killed = float(answer.stdout)
    return killed - max((row["time"] for row in history(folder)), default=0)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        ("success", None, 0),
        ("failed", ValueError(), 1),
        ("failed", SystemExit(0), 1),
        ("failed", Stopped(signal.SIGTERM), 143),
        ("failed", KeyboardInterrupt(), 130),
    ],
)
def test_only_a_success_is_told_as_one(status: str, error: BaseException | None, code: int) -> None:
    assert exit_code(status, error) == code


@pytest.mark.slow
def test_a_training_that_raises_is_a_failed_run(tmp_path: Path, overrides: list[str]) -> None:
    answer = train(tmp_path / "run", [*overrides, "optimizer=sgd", "optimizer.lr=1e30", "trainer.max_epochs=3"])
    assert answer.returncode == 1
    assert exit_codes(tmp_path / "run") == [1]


@pytest.mark.slow
def test_a_terminated_training_is_a_failed_run(tmp_path: Path, overrides: list[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    endless = [*overrides, "trainer.max_epochs=1000"]
    command = [sys.executable, "-m", "segexp.train", *endless, f"hydra.run.dir={folder.path}"]
    process = subprocess.Popen(command, env=environment(tmp_path))
    try:
        until(lambda: process.poll() is not None or folder.history())
        assert folder.history()
        process.terminate()
        assert process.wait(PATIENCE) == 143
    finally:
        process.kill()
        process.wait()
    assert exit_codes(folder.path) == [143]
    assert "preempting" not in {record["type"] for record in records(folder.path)}  # a W&B sweep would run it again


@pytest.mark.slow
def test_a_run_that_goes_on_by_itself_is_preempted(tmp_path: Path) -> None:
    lines = f"""
{TEN_ROWS}
from segexp.system.signals import Stopped
try:
    raise Stopped(signal.SIGUSR1)
except Stopped:
    logger.finalize("failed")
"""
    with Standin() as server:
        answer = log(tmp_path / "run", lines, **online(server.url))
        assert answer.returncode == 0, answer.stderr
    (seen,) = server.runs.values()
    assert (seen.states, seen.exit_code) == (["preempting"], 143)


@pytest.mark.slow
def test_a_death_of_w_and_bs_service_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    lines = f"""
{TEN_ROWS}
import psutil
(service,) = psutil.Process().children()
service.kill()
for step in range(10, 20):
    logger.log_metrics({{"val/miou": 0.1}}, step)
    logger.log_pictures({{"picture": None}}, step)
logger.finalize("success")
print("went on")
"""
    answer = log(tmp_path / "run", lines)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "went on\n"
    assert answer.stderr.count("W&B has stopped recording") == 1


@pytest.mark.slow
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "run/wandb").mkdir(parents=True)
    mount = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*mount, "true"], capture_output=True).returncode:
        pytest.skip("this kernel lets users mount nothing, so there is no small disk to fill")
    program = f"""
from segexp.logger.wandb import wandb_logger
logger = wandb_logger({str(tmp_path / "run")!r}, "segexp", None, None, None)
for step in range(8000):
    logger.log_metrics({{f"score/{{number}}": 0.1 * step for number in range(10)}}, step)
logger.finalize("success")
"""
    script = f'mount -t tmpfs -o size=1m none {tmp_path}/run/wandb && exec {sys.executable} -c "$PROGRAM"'
    env = environment(tmp_path, PROGRAM=program)
    answer = subprocess.run([*mount, "bash", "-c", script], env=env, capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    assert re.search(r"W&B did not write .*\.wandb to its end \(0 MiB are free on that disk", answer.stderr)
