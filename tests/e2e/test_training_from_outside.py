"""A task, an optimizer and a schedule of the user's own, as docs/extending.md has them."""

import os
import subprocess
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.config.compose import compose
from segexp.run.folder import RunFolder
from segexp.train.assemble import assemble
from segexp.train.settings import TrainSettings, schedule_with_end
from segexp.types import VOID, Sample, Values
from tests.e2e.command import environment
from tests.examples import write_example
from tests.serve.server_process import ROOT
from tests.two_parts import Model
from tests.warm_process import run_module


@pytest.fixture
def values(tmp_path: Path) -> Values:
    write_example("An optimizer", tmp_path)
    write_example("A schedule", tmp_path)
    return compose("train", ["optimizer=radam", "scheduler=linear", "warmup=0.1"], [tmp_path / "my_conf"])


@pytest.mark.fast
def test_an_optimizer_of_torch_needs_a_yaml_only(values: Values) -> None:
    model = Model()
    optimizer = build.optimizer(values)(model)
    assert isinstance(optimizer, torch.optim.RAdam)
    rates = {id(each): group["lr"] for group in optimizer.param_groups for each in group["params"]}
    assert rates[id(model.network.encoder[0].weight)] == pytest.approx(0.1 * rates[id(model.network.head.weight)])


@pytest.mark.fast
def test_a_schedule_of_torch_says_in_its_yaml_that_it_has_an_end(values: Values) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = build.scheduler(values)(optimizer, 100)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    assert schedule_with_end(values) == "scheduler=LinearLR"
    endless = {**values, "trainer": {**values["trainer"], "max_epochs": -1}}
    with pytest.raises(ValueError, match=r"trainer.max_epochs is -1, .* scheduler=LinearLR depends on its end"):
        TrainSettings.of(endless)


def python_path(folder: Path) -> str:
    return os.pathsep.join([str(folder), str(ROOT)])


def segexp(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as the user types it in the folder."""
    env = environment(PYTHONPATH=python_path(folder), COLUMNS="200")
    return run_module(f"segexp.{name}", "--config-dir", "my_conf", *arguments, folder=folder, environment=env)


@pytest.mark.slow
def test_a_training_uses_all_three_and_is_resumed(trained: RunFolder, small, tmp_path: Path) -> None:
    for section in ("A task", "An optimizer", "A schedule"):
        write_example(section, tmp_path)
    own = ["task=distill", f"task.teacher={trained.path}", "optimizer=radam", "scheduler=linear", "warmup=0.5"]
    no_encoder = "~optimizer.parts.encoder"  # this network has none
    typed = [*small("classes=cityscapes19", *own, no_encoder, "trainer.max_epochs=2"), "hydra.run.dir=run"]
    answer = segexp("train", tmp_path, *typed)
    assert answer.returncode == 0, answer.stderr
    run = RunFolder(tmp_path / "run")
    rates = [row["train/lr/norms_and_biases"] for row in run.history() if "train/lr/norms_and_biases" in row]
    assert len(rates) == 2
    assert rates[-1] < rates[0]
    assert not any("teacher" in key for key in torch.load(run.checkpoint("last"), weights_only=True)["state_dict"])
    longer = segexp("train", tmp_path, "resume=run", "trainer.max_epochs=3")
    assert "scheduler=LinearLR ends at 2 in this run and cannot be extended" in longer.stderr


@pytest.mark.fast
def test_a_task_of_the_users_own_changes_what_a_step_minimises(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_example("A task", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    overrides = ["task=distill", f"task.teacher={trained.path}"]
    values = {**trained.config, "task": compose("train", overrides, [tmp_path / "my_conf"])["task"]}
    task = assemble(values, tmp_path).task
    image = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    batch = Sample(image, torch.full((2, 64, 64), VOID, dtype=torch.uint8), "name")
    logits = task.teacher[0](image)
    entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(task.training_loss(logits, batch), entropy)  # no pixel has a class
