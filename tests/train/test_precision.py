"""Trainings whose network is not float32."""

from pathlib import Path

import pytest
import torch

from segexp.run.folder import RunFolder
from tests.training import start


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true"])
def test_the_loss_computes_and_remembers_in_float32(compose_small, tmp_path: Path, precision: str) -> None:
    start(
        compose_small("loss=lovasz", "loss.momentum=0.9", "precision=auto", f"trainer.precision={precision}"),
        tmp_path / "run",
    )
    run = RunFolder.open(tmp_path / "run")
    assert run.state() == "finished"
    state = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    assert {value.dtype for name, value in state.items() if name.startswith("loss.")} == {torch.float32}
    assert {value.dtype for name, value in state.items() if name.startswith("model.")} != {torch.float32}
    (loss,) = [row["val/loss"] for row in run.history() if "val/loss" in row]
    assert loss != torch.tensor(loss).half().item()
