"""What an experiment sets for one option is not recorded where the command chose another one."""

import inspect
import logging
import sys
from pathlib import Path

import pytest
from hydra.utils import get_object

from segexp.config import leftovers
from segexp.config.command_line import entry_point
from segexp.config.compose import compose, config_folder
from segexp.config.leftovers import without_leftovers
from segexp.system.once import warn_once

GRIDNET = {"streams", "num_columns_down", "num_columns_up", "total_dropout"}
ROOT = "data.root=/d"


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))


def test_a_network_in_place_of_the_experiments_gets_none_of_its_keys(caplog: pytest.LogCaptureFixture) -> None:
    warn_once.cache_clear()
    with caplog.at_level(logging.WARNING, leftovers.__name__):
        network = compose("train", ["experiment=demo", "model=unet"])["model"]
    assert network == compose("train", ["model=unet"])["model"]
    (said,) = caplog.messages
    facts = ["experiment=demo", "model=unet", *(f"model.{key}" for key in GRIDNET), "left out"]
    assert [fact for fact in facts if fact not in said] == [], said


@pytest.mark.parametrize("model", options("model"))
def test_no_network_of_this_repository_gets_a_key_of_another_function(model: str) -> None:
    network = compose("train", ["experiment=demo", f"model={model}"])["model"]
    parameters = inspect.signature(get_object(network["_target_"])).parameters
    assert set(network) & GRIDNET <= set(parameters)


def test_an_option_keeps_what_the_experiment_sets_for_its_own_kind() -> None:
    """decoder_channels is no key of unet.yaml, and the experiment is written for that network."""
    assert compose("train", ["experiment=camvid", "model=unet", ROOT])["model"]["decoder_channels"]
    demo, plain = (compose("train", [each]) for each in ("experiment=demo", "model=gridnet"))
    assert compose("train", ["experiment=demo", "model=gridnet"])["model"] == demo["model"] != plain["model"]
    data = compose("train", ["experiment=demo", "data=camvid", ROOT])["data"]
    assert data["image_size"] == demo["data"]["image_size"] != plain["data"]["image_size"]


@pytest.mark.parametrize(
    ("group", "chosen", "key"),
    [("loss", "dice", "alpha"), ("optimizer", "sgd", "betas"), ("scheduler", "poly", "decay"), ("data", "folder", "n")],
)
def test_every_group_is_held_to_it(tmp_path: Path, group: str, chosen: str, key: str) -> None:
    of_experiment = {"loss": "tversky", "optimizer": "adam", "scheduler": "inverse_time", "data": "streets"}[group]
    (tmp_path / "experiment").mkdir()
    experiment = f"# @package _global_\ndefaults:\n  - override /{group}: {of_experiment}\n{group}:\n  {key}: 1\n"
    (tmp_path / "experiment/mine.yaml").write_text(experiment)
    typed = ["experiment=mine", ROOT, *(["data.labels={0: a}"] if group == "data" else [])]
    assert compose("train", [typed[0]], [tmp_path])[group][key] == 1
    assert key not in compose("train", [*typed, f"{group}={chosen}"], [tmp_path])[group]


@pytest.mark.parametrize("key", ["model.streams=[8]", "model.num_columns_up=3"])
def test_a_key_of_another_network_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="experiment=demo") as error:
        compose("train", ["experiment=demo", "model=unet", key])
    facts = [key, "segexp.model.gridnet.gridnet", "model=unet", "leave it out", f"'++{key}'"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_what_is_typed_with_two_plus_signs_is_left_to_the_network_itself() -> None:
    network = compose("train", ["experiment=demo", "model=unet", "++model.streams=[8]", "+model.encoder_depth=4"])
    assert {"streams": [8], "encoder_depth": 4}.items() <= network["model"].items()
    assert "num_columns_up" not in network["model"]


def test_a_sweep_over_such_a_key_is_refused_before_its_first_job(tmp_path: Path, monkeypatch) -> None:
    sweep = ["-m", "experiment=demo", "model=gridnet,unet", "model.streams=[8,16]", f"hydra.sweep.dir={tmp_path / 'a'}"]
    monkeypatch.setattr(sys, "argv", ["segexp", *sweep])
    with pytest.raises(SystemExit, match=r"model.streams=\[8,16\]: experiment=demo sets"):
        entry_point("train")(print)()
    assert not list(tmp_path.rglob("job.log"))


def test_a_command_without_an_experiment_composes_once() -> None:
    def refuse(typed: object) -> dict:
        raise AssertionError(typed)

    assert without_leftovers({"model": {"_target_": "a.b"}}, [], [], refuse) == {"model": {"_target_": "a.b"}}
