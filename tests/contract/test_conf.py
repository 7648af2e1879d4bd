"""conf/ and segexp/ mirror each other; every option of every group builds from its own room."""

import inspect
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.utils import get_object
from omegaconf import OmegaConf

from segexp import build
from segexp.config import trust
from segexp.config.compose import config_folder, load
from segexp.config.facts import FACTS
from segexp.config.values import plain_values

pytestmark = pytest.mark.fast

CONF = config_folder()
GROUPS = {"augmentation": 4, "callbacks": 12, "classes": 4, "data": 4, "experiment": 4, "logger": 5, "loss": 12}
GROUPS |= {"metric": 6, "model": 10, "optimizer": 3, "scheduler": 4, "task": 1, "trainer": 3}
OPTIONS = sorted(path.relative_to(CONF).with_suffix("") for group in GROUPS for path in (CONF / group).glob("*.yaml"))
ROOMS = {"task": "train.task"}
"""Groups whose room has another name."""
METRICS = [path for path in OPTIONS if path.parts[0] == "metric"]
EXPERIMENTS = [path for path in OPTIONS if path.parts[0] == "experiment"]
"""They choose options themselves."""
PARTS = [path for path in OPTIONS if path not in [*METRICS, *EXPERIMENTS]]


def commands() -> list[list[str]]:
    """Entry and options: as few commands as name every option, since a command takes one of each group."""
    rows = itertools.zip_longest(*(list(group) for _, group in itertools.groupby(PARTS, lambda path: path.parts[0])))
    together = [[f"{path.parent}={path.name}" for path in row if path] for row in rows]
    experiments = [["train", f"experiment={path.name}"] for path in EXPERIMENTS]
    return [*(["train", *row] for row in together), *experiments, *(["evaluate", f"metric={m.name}"] for m in METRICS)]


EXTERNAL = ("torch.optim.", "pytorch_lightning.", "torchvision.transforms.v2.", "scipy.stats.")


def test_every_group_has_its_options() -> None:
    found = {path.name: len(list(path.glob("*.yaml"))) for path in CONF.iterdir() if path.is_dir()}
    assert set(found) == {*GROUPS, "hydra", "sweep"}
    assert all(found[group] >= minimum for group, minimum in GROUPS.items()), found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_option_composes_and_resolves(command: list[str]) -> None:
    entry, *options = command
    config = load(entry, options)
    for key in OmegaConf.missing_keys(config):
        OmegaConf.update(config, key, "given by the user")
    plain_values(config)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_option_builds_from_its_own_room_or_a_library(option: Path) -> None:
    text = (CONF / option.with_suffix(".yaml")).read_text()
    for target in trust.targets(yaml.safe_load(text)):
        room = ROOMS.get(option.parts[0], option.parts[0])
        assert target.startswith((f"segexp.{room}.", *EXTERNAL)), target
        get_object(target)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_option_shows_every_fact_that_its_targets_take(option: Path) -> None:
    for node in nodes_with_target(yaml.safe_load((CONF / option.with_suffix(".yaml")).read_text())):
        arguments = inspect.signature(get_object(node["_target_"])).parameters
        assert not (FACTS.keys() & arguments) - node.keys(), node["_target_"]


def nodes_with_target(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "_target_" in node:
        yield node
    for entry in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes_with_target(entry)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_option_opens_with_what_it_is(option: Path) -> None:
    assert (CONF / option.with_suffix(".yaml")).read_text().startswith("# ")


@pytest.mark.parametrize("entry", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_entry_point_has_its_module_and_its_usage(entry: str) -> None:
    assert (Path(build.__file__).parent / entry / "__main__.py").is_file()
    assert f"python -m segexp.{entry}" in (CONF / f"{entry}.yaml").read_text()
