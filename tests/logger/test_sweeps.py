"""sweeps/wandb_*.yaml: what W&B's server would say of them, and what Hydra says of every value they choose from."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from segexp.config.compose import compose
from segexp.logger import agent
from segexp.run.folder import RunFolder
from tests.logger.client import environment, online, run
from tests.process import PATIENCE, until
from tests.wandb_standin import Standin

SWEEPS = sorted((Path(__file__).parents[2] / "sweeps").glob("wandb_*.yaml"))
KEYS = {"program", "method", "metric", "parameters", "command", "early_terminate", "run_cap", "name", "description"}
PARAMETER_KEYS = (
    {"value"},
    {"values"},
    {"values", "probabilities"},
    {"distribution", "min", "max"},
    {"distribution", "min", "max", "q"},
    {"distribution", "mu", "sigma"},
)
DISTRIBUTIONS = {
    *("constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform", "q_uniform"),
    *("log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values", "normal", "q_normal", "log_normal"),
}


def sweep(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def sweep_arguments(chosen: dict[str, Any]) -> dict[str, Any]:
    """What an agent of W&B makes of the values that a server chose, by the name of the macro."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args  # takes seconds to load

    return create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})


def typed(path: Path, chosen: dict[str, Any]) -> list[str]:
    """The overrides that the agent's command line ends with once values are chosen."""
    arguments = sweep_arguments(chosen)
    command = sweep(path)["command"]
    fixed = command[command.index("${program}") + 2 : command.index("${args_no_hyphens}")]
    return [*fixed, *arguments["args_no_hyphens"]]


def extremes(parameter: dict[str, Any]) -> list[Any]:
    return parameter.get("values") or [parameter["min"], parameter["max"]]


def test_there_is_a_grid_and_a_tuning() -> None:
    assert {sweep(path)["method"] for path in SWEEPS} == {"grid", "bayes"}


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_sweep_has_only_what_a_server_takes(path: Path) -> None:
    read = sweep(path)
    assert set(read) <= KEYS
    assert read["method"] in ("grid", "random", "bayes")
    assert set(read["metric"]) == {"name", "goal"}
    assert read["metric"]["goal"] in ("minimize", "maximize")
    for name, parameter in read["parameters"].items():
        assert set(parameter) in PARAMETER_KEYS, name
        assert parameter.get("distribution", "constant") in DISTRIBUTIONS, name
        assert parameter.get("min", 0) <= parameter.get("max", 0), name
        assert read["method"] != "grid" or "values" in parameter, f"{name}: a grid needs values"
    assert set(read.get("early_terminate", {})) <= {"type", "min_iter", "max_iter", "eta", "s", "strict"}


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_sweep_scores_what_a_training_logs(path: Path, trained: RunFolder) -> None:
    assert sweep(path)["metric"]["name"] in {name for row in trained.history() for name in row}


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_sweep_opens_with_its_question_and_its_command(path: Path) -> None:
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert comment[0].endswith(("?", "."))
    assert f"wandb sweep --project segexp sweeps/{path.name}" in comment[1]
    assert sweep(path)["command"][:4] == ["${env}", "${interpreter}", "-m", "${program}"]
    assert f"sweeps/{path.stem}" in sweep(path)["command"][4]


@pytest.mark.slow
@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_is_understood_by_hydra(path: Path) -> None:
    parameters = sweep(path)["parameters"]
    chosen = {name: extremes(parameter)[0] for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        for value in extremes(parameter):
            config = compose("train", agent.overrides(typed(path, {**chosen, name: value})), folders=[])
            if "." in name:
                group, key = name.split(".")
                assert config[group][key] == value


def test_arguments_of_a_resumed_run_lose_what_hydra_does_not_understand() -> None:
    logged = {"loss": "focal", "optimizer.lr": 0.1, "model": {"a": [1]}, "_wandb": {"t": 1}, "resume": None, "x": [8]}
    arguments = sweep_arguments(logged)
    assert agent.overrides(arguments["args_no_hyphens"]) == ["loss=focal", "optimizer.lr=0.1", "resume=null", "x=[8]"]


def test_a_run_with_a_checkpoint_goes_on_from_it(trained: RunFolder) -> None:
    folder, name = trained.path.parent, trained.path.name
    assert agent.command(folder, ["loss=dice"], name)[1:] == ["-m", "segexp.train", f"resume={trained.path}"]
    assert agent.command(folder, ["loss=dice"], "new")[3:] == ["loss=dice", f"hydra.run.dir={folder}/new"]


def test_the_program_of_an_agent_says_who_starts_it(tmp_path: Path) -> None:
    answer = run("-m", "segexp.logger.agent", "loss=dice", home=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.logger.agent: started by `wandb agent`")


PREEMPTED = {"_wandb": {"t": 1}, "model": {"streams": [4]}, "resume": None}
"""What a server adds to the values of a run that is to be resumed: all that was logged."""


class Agents:
    """A sweep of small trainings on a stand-in server, and what agents need to work on it."""

    def __init__(self, server: Standin, folder: Path, overrides: list[str]) -> None:
        self.server = server
        self.folder = folder
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # as an activated environment
        self.variables = {"PATH": path, "WANDB_DIR": str(folder), **online(server.url)}
        config = sweep(SWEEPS[0])
        fixed = [each for each in overrides if each != "logger=none"]
        config["command"] = [*config["command"][:4], str(folder / "runs"), *fixed, "${args_no_hyphens}"]
        (folder / "sweep.yaml").write_text(yaml.safe_dump(config))
        create = ["-m", "wandb", "sweep", "--project", "segexp", str(folder / "sweep.yaml")]
        assert run(*create, home=folder, **self.variables).returncode == 0
        (self.name,) = server.sweeps

    def tell(self, kind: str, run_id: str, values: dict[str, Any]) -> None:
        arguments = {key: {"value": value} for key, value in values.items()}
        program = sweep(SWEEPS[0])["program"]
        self.server.commands.append({"type": kind, "run_id": run_id, "program": program, "args": arguments})

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "wandb", "agent", *options, f"tester/segexp/{self.name}"]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, env=environment(self.folder, **self.variables), text=True, **output)


@pytest.mark.slow
def test_a_real_agent_trains_what_the_server_chooses(tmp_path: Path, small) -> None:
    """A new run, and one that was preempted before its first checkpoint."""
    chosen = {"new": {"loss": "focal", "optimizer.lr": 0.001}, "again": {"loss": "dice", "optimizer.lr": 0.1}}
    with Standin() as server:
        agents = Agents(server, tmp_path, small())
        agents.tell("run", "new", chosen["new"])
        agents.tell("resume", "again", {**chosen["again"], **PREEMPTED})
        process = agents.start()
        said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, said
    assert set(server.runs) == set(chosen)
    for name, values in chosen.items():
        assert server.runs[name].exit_code == 0, said
        assert any("val/miou" in row for row in server.runs[name].history)
        trained = RunFolder(tmp_path / "runs" / name)
        assert trained.state() == "finished"
        assert trained.config["optimizer"]["lr"] == values["optimizer.lr"]
        assert trained.environment["choices"]["loss"] == values["loss"]
        assert trained.config["model"]["streams"] == [4, 8]


@pytest.mark.slow
def test_a_preempted_agents_run_goes_on_with_another(tmp_path: Path, small) -> None:
    trained = RunFolder(tmp_path / "runs/preempted")
    endless = small("trainer.max_epochs=1000")
    values = {"loss": "focal", "optimizer.lr": 0.001}
    with Standin() as server:
        agents = Agents(server, tmp_path, endless)
        reached = 0
        for kind, further in (("run", {}), ("resume", PREEMPTED)):
            agents.tell(kind, "preempted", {**values, **further})
            process = agents.start("--count", "1", "--forward-signals")
            until_epoch(trained, reached + 1, process)
            process.send_signal(signal.SIGUSR1)
            process.communicate(timeout=PATIENCE)
            assert (trained.state(), server.runs["preempted"].exit_code) == ("preempted", 143)
            reached = trained.history()[-1]["epoch"]
    epochs = [row["epoch"] for row in trained.history() if "val/miou" in row]
    assert epochs == list(range(len(epochs)))
    assert server.runs["preempted"].states == ["preempting", "preempting"]


def until_epoch(trained: RunFolder, epoch: int, process: subprocess.Popen[str]) -> None:
    def has_reached() -> bool:
        rows = trained.history()
        return bool(rows) and rows[-1]["epoch"] >= epoch

    until(lambda: process.poll() is not None or has_reached())
    assert process.poll() is None
