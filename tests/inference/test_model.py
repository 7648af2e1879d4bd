"""Anything wrong in a run folder is one error that names the file, wherever the folder came from."""

import json
import re
import resource
import shutil
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from segexp.inference.model import load_model
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.train import resume
from tests.process import said_by

POSITION = {"global_step": 3, "state_dict": {"model.a": torch.zeros(1)}}


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy that may be damaged."""
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


@pytest.mark.parametrize(
    "content", [[], "text", {"choices": ["data"]}, {"choices": None}, {"overrides": "a"}, {"git": 3}]
)
def test_a_wrong_environment_is_named(run: RunFolder, content) -> None:
    (run.path / "environment.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"environment.json .*restore it, or train again"):
        load_model(run, "last")


def test_a_missing_environment_is_named(run: RunFolder) -> None:
    (run.path / "environment.json").unlink()
    with pytest.raises(ValueError, match=r"environment.json cannot be read .*restore it"):
        load_model(run, "last")


@pytest.mark.parametrize("key", ["classes", "model", "data"])
@pytest.mark.parametrize("value", [None, ["a"], "text"])
def test_a_wrong_configuration_is_named(run: RunFolder, key: str, value) -> None:
    run.write_config({**run.config, key: value})
    with pytest.raises(ValueError, match=".") as refused:
        load_model(run, "last")
    facts = (f"{key} is {value!r}", "config.yaml", f"allowed: the settings of {key}", "train again")
    assert [fact for fact in facts if fact not in str(refused.value)] == [], refused.value


@pytest.mark.parametrize(
    "content",
    [[1], {}, {"state_dict": {}}, {**POSITION, "state_dict": [1]}, {**POSITION, "state_dict": {"model.a": 1}}]
    + [{**POSITION, "state_dict": {5: torch.zeros(1)}}, {**POSITION, "global_step": torch.zeros(1)}],
)
def test_a_file_that_is_no_checkpoint_of_a_training_is_named(run: RunFolder, content) -> None:
    torch.save(content, run.checkpoint("last"))
    for read in (lambda: load_model(run, "last"), lambda: checkpoint.model_weights(run.checkpoint("last"))):
        with pytest.raises(ValueError, match=r"last.ckpt has no weights of segexp.train"):
            read()


class Counting(nn.Linear):
    """A network of a user that keeps more than tensors."""

    num_calls = 0

    def get_extra_state(self) -> dict[str, int]:
        return {"num_calls": self.num_calls}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.num_calls = state["num_calls"]


def test_what_a_network_keeps_beside_tensors_is_restored_and_what_a_loss_keeps_is_ignored(tmp_path: Path) -> None:
    model, path = nn.Sequential(Counting(2, 3)), tmp_path / "last.ckpt"
    model[0].num_calls = 5
    state = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"global_step": 3, "state_dict": {**state, "loss.schedule": [1, 2]}}, path)
    fresh = nn.Sequential(Counting(2, 3))
    assert checkpoint.load_weights(fresh, path) == (3, None)
    assert fresh[0].num_calls == 5
    assert torch.equal(fresh[0].weight, model[0].weight)
    with pytest.raises(ValueError, match="another architecture or number of classes: 0 tensors missing, 1 unexpected"):
        checkpoint.load_weights(nn.Sequential(nn.Linear(2, 3)), path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x02(", b"\x80\x02.", b"PK\x03\x04" + bytes(50)])
def test_bytes_that_are_no_checkpoint_are_named(run: RunFolder, content: bytes) -> None:
    run.checkpoint("last").write_bytes(content)
    with pytest.raises(ValueError, match=r"last.ckpt is damaged"):
        load_model(run, "last")


def _read_with_little_memory(path: Path, said: Connection) -> None:
    most = psutil.Process().memory_info().data + 2**26
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        checkpoint.read(path)
    except OSError as error:
        said.send(str(error))


def test_a_checkpoint_that_memory_does_not_hold_is_not_called_torn(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({**POSITION, "state_dict": {"model.a": torch.zeros(2**26)}}, path)
    assert re.match("not enough memory to load .*last.ckpt", said_by(_read_with_little_memory, path))


@pytest.mark.parametrize("loops", [None, [], {}, {"fit_loop": {"epoch_progress": {"current": {"processed": None}}}}])
def test_weights_without_a_position_are_none_to_go_on_from(run: RunFolder, loops) -> None:
    torch.save({**POSITION, "loops": loops}, run.checkpoint("last"))
    (run.checkpoints / "previous.ckpt").unlink()
    with pytest.raises(ValueError, match=r"last.ckpt has no position in a training .*no other checkpoint"):
        resume.newest_checkpoint(run)


def test_a_status_without_a_state_is_unknown(run: RunFolder) -> None:
    (run.path / "status.json").write_text("{}")
    assert run.state() == "unknown"
