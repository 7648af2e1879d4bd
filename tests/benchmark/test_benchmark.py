"""The command runs suites one after another, keeps their records, and leaves nothing else behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from segexp.benchmark.__main__ import _as_list
from tests.benchmark.networks import ENDLESS, TINY
from tests.process import until
from tests.warm_process import run_module

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("argument", "value"),
    [("suite=a,b", ["a", "b"]), ("suite=[a,b]", ["a", "b"]), ("suite=a", "a"), ("suite=null", None)],
)
def test_hydra_takes_several_suites_for_one_value(argument: str, value: Any) -> None:
    override = OverridesParser.create().parse_override(_as_list(argument))
    assert not override.is_sweep_override()
    assert override.value() == value


def benchmark(tmp_path: Path, *arguments: str) -> list[str]:
    """The command, with limits of time that no machine reaches."""
    (tmp_path / "conf/model").mkdir(parents=True, exist_ok=True)
    for name, config in {"tiny": TINY, "endless": ENDLESS}.items():
        (tmp_path / "conf/model" / f"{name}.yaml").write_text(json.dumps(config))
    short = ["models.options=[tiny]", "models.sizes=[[64,96]]", "models.max_seconds=600", f"output={tmp_path}"]
    defaults = [each for each in short if not any(one.startswith(each.split("=")[0]) for one in arguments)]
    return [sys.executable, "-m", "segexp.benchmark", "--config-dir", str(tmp_path / "conf"), *defaults, *arguments]


@pytest.mark.slow
def test_suites_run_one_after_another_and_a_repeated_command_goes_on(tmp_path: Path) -> None:
    losses = ["losses.options=[dice]", "losses.shapes=[[1,3,8,8]]", "losses.scales=[1]", "losses.rounds=1"]
    some = ["models.precisions=[float32]", "models.backends=[eager,onnxruntime]"]
    command = benchmark(tmp_path, "suite=losses,models", *losses, *some)
    answer = run_module(*command[2:], environment=os.environ)
    assert answer.returncode == 0, answer.stderr
    assert "losses, forward and backward" in answer.stdout
    assert "64x96, batch 1: " in answer.stdout
    assert answer.stderr == ""
    first = json.loads((tmp_path / "models.json").read_text())["records"]
    assert [each["backend"] for each in first] == ["eager", "onnxruntime"]
    assert all(each["frames_per_second"] > 0 and each["memory"] > 0 and each["ratio"] > 0 for each in first)
    answer = run_module(*benchmark(tmp_path, "suite=models", *some)[2:], environment=os.environ)
    assert answer.stdout.count("measured earlier") == 2
    assert json.loads((tmp_path / "models.json").read_text())["records"] == first


def test_an_unknown_suite_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    answer = run_module(*benchmark(tmp_path, "suite=loses,models")[2:], environment=os.environ)
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.benchmark: suite is ['loses', 'models']; allowed: ")
    assert "losses, models" in answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_that_is_ended_halfway_keeps_its_records_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    some = ["models.options=[tiny,endless]", "models.precisions=[float32]", "models.backends=[eager]"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        benchmark(tmp_path, "suite=models", *some),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    until(lambda: (tmp_path / "models.json").exists())
    until(lambda: list(tmp_path.glob("segexp-*/log.txt")))  # the second case runs
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    assert len(json.loads((tmp_path / "models.json").read_text())["records"]) == 1
    assert children
    until(lambda: not any(is_alive(child) for child in children))
    assert not list(tmp_path.glob("segexp-*"))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
