"""A network with auxiliary heads in whole commands: killed and resumed, on two ranks, exported."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import onnx as onnx_library
import pytest
import torch
from safetensors.torch import load_file

from segexp.config.compose import compose
from segexp.export import bundle, onnx, torch_export
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from tests.e2e.command import assert_same, train
from tests.e2e.test_resume import AVERAGED, MOMENTUM, TWO_RANKS
from tests.export.exports import export_run
from tests.training import start

pytestmark = pytest.mark.slow

PSPNET = ["model=pspnet", "model.encoder=resnet18", "model.auxiliary_stages=[4,2]", "trainer.max_epochs=2"]

UNET = ["model=unet", "model.encoder=vgg11", "model.auxiliary_stages=[4,2]"]
"""Its graph is the smallest, and exporters take their time for each node."""


@pytest.fixture
def overrides(small: Callable[..., list[str]]) -> list[str]:
    return [*(each for each in small() if not each.startswith("model.")), *PSPNET, *MOMENTUM]


@pytest.mark.parametrize("further", [[], TWO_RANKS], ids=["one rank", "two ranks"])
def test_killed_in_the_middle_of_an_epoch(overrides: list[str], tmp_path: Path, further: list[str]) -> None:
    """Dropout of the heads, and the counts that each auxiliary loss keeps, are those of an undisturbed training."""
    typed = [*overrides, *further, "callbacks.last.every_n_train_steps=1"]
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert train(whole, typed) == 0
    assert train(parts, typed, by_signal="SIGKILL 5") in (-signal.SIGKILL, 1)
    assert parts.state() == "running"
    assert train(parts, typed) == 0
    assert_same(parts, whole)


def test_killed_with_everything_on_that_keeps_a_state(overrides: list[str], tmp_path: Path) -> None:
    """Weights from another run, averaged weights, warm-up, auxiliary heads and a second logger, all in one training."""
    assert train(RunFolder(tmp_path / "before"), overrides) == 0
    together = [*AVERAGED, "warmup=3", "logger=[csv,tensorboard]", f"start_from={tmp_path / 'before'}"]
    typed = [*(each for each in overrides if not each.startswith("logger=")), *together]
    typed.append("callbacks.last.every_n_train_steps=2")
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert train(whole, typed) == 0
    for name in ("SIGKILL 1", "SIGTERM 2", "SIGKILL 3"):
        assert train(parts, typed, by_signal=name) in (-signal.SIGKILL, 143)
        assert parts.state() in ("running", "preempted")
    assert train(parts, typed) == 0
    assert_same(parts, whole)


def test_an_export_holds_no_auxiliary_head(small: Callable[..., list[str]], tmp_path: Path) -> None:
    overrides = [*(each for each in small() if not each.startswith("model.")), *UNET]
    start(compose("train", overrides), tmp_path / "run", {"data": "streets"}, overrides)
    run = RunFolder.open(tmp_path / "run")
    stored = checkpoint.model_weights(run.checkpoint("best"))
    heads = [key for key in stored if "auxiliary" in key]
    assert heads
    graph, file = (export_run(run, tmp_path / name, format=name) for name in ("torch_export", "onnx"))
    assert load_file(graph / bundle.WEIGHTS).keys() == stored.keys() - set(heads)
    assert torch.export.load(graph / torch_export.FILE).state_dict.keys() == stored.keys() - set(heads)
    initializers = [tensor.name for tensor in onnx_library.load(file / onnx.FILE).graph.initializer]
    assert initializers
    assert not [name for name in initializers if "auxiliary" in name]
    assert json.loads((file / bundle.SUMMARY).read_text())["checks"]
