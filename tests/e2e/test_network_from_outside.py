"""A network of the user's own with an auxiliary head, as docs/extending.md has it, needs no edit of segexp."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.config.compose import compose
from segexp.model.auxiliary import num_auxiliary
from segexp.types import TrainingLogits
from tests.e2e.command import PYTHON, ROOT, environment
from tests.examples import write_example
from tests.warm_process import run_module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_example("A network", tmp_path)
    return tmp_path


def test_it_is_trained_with_its_auxiliary_loss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    values = compose("train", ["model=mine", "loss.auxiliary_weight=0.2"], [folder / "my_conf"])
    model = build.model(values)
    loss = build.loss(values, num_auxiliary(model))
    image, target = torch.zeros(2, 3, 33, 47, dtype=torch.uint8), torch.zeros(2, 33, 47, dtype=torch.uint8)
    output = model(image)
    assert isinstance(output, TrainingLogits)
    main, auxiliary = (build.loss(values)(logits, target) for logits in (output.logits, *output.auxiliary))
    torch.testing.assert_close(loss(output, target), main + 0.2 * auxiliary)
    assert model.eval()(image).shape == (2, 19, 33, 47)


@pytest.mark.slow
def test_it_keeps_the_promises_of_networks(folder: Path) -> None:
    tests = [str(ROOT / f"tests/contract/test_{name}.py") for name in ("model", "auxiliary")]
    chosen = ["-k", "mine", "--config-dir", str(folder / "my_conf"), "-p", "no:cacheprovider"]
    command = [*PYTHON, "pytest", *chosen, *tests]  # pytest loads libraries in its own way
    answer = subprocess.run(command, cwd=folder, env=_environment(folder), stdout=subprocess.PIPE, text=True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.slow
def test_every_command_uses_it(folder: Path, small) -> None:
    typed = [each for each in small("model=mine", "hydra.run.dir=run") if not each.startswith("model.")]
    ours = ["--config-dir", "my_conf"]
    _run(folder, "segexp.train", *ours, *typed)
    _run(folder, "segexp.evaluate", *ours, "run=run")
    _run(folder, "segexp.export", *ours, "run=run", "format=torch_export", "output=exported")
    program = torch.export.load(folder / "exported/model.pt2")
    assert program.state_dict
    assert not [name for name in program.state_dict if "auxiliary" in name]


def _environment(folder: Path) -> dict[str, str]:
    return environment(PYTHONPATH=os.pathsep.join([str(folder), str(ROOT)]))


def _run(folder: Path, module: str, *arguments: str) -> None:
    answer = run_module(module, *arguments, folder=folder, environment=_environment(folder))
    assert answer.returncode == 0, answer.stderr
