"""Every sweep and each of its jobs composes; a sweep of a group has all options of the group."""

import itertools
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from segexp.config.compose import compose, config_folder

CONF = config_folder()
SWEEPS = sorted(path.stem for path in (CONF / "sweep").glob("*.yaml") if not path.stem.startswith("wandb"))


def params(sweep: str) -> dict[str, str]:
    return yaml.safe_load((CONF / f"sweep/{sweep}.yaml").read_text())["hydra"]["sweeper"]["params"]


def jobs(sweep: str) -> list[list[str]]:
    parsed = OverridesParser.create().parse_overrides([f"{key}={value}" for key, value in params(sweep).items()])
    choices = [
        [f"{each.get_key_element()}={value}" for value in each.sweep_string_iterator()]
        if each.is_sweep_override()
        else [str(each.input_line)]
        for each in parsed
    ]
    return [list(job) for job in itertools.product(*choices)]


def test_the_sweeps_are_there() -> None:
    assert {"losses", "beta", "models", "grouping", "note"} <= set(SWEEPS)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweep_opens_with_its_question_command_and_cost(sweep: str) -> None:
    head = (CONF / f"sweep/{sweep}.yaml").read_text().split("\nhydra:")[0]
    assert head.startswith("# @package _global_\n# ")
    assert "?" in head
    assert f"python -m segexp.train -m +sweep={sweep} " in head
    assert f"# {len(jobs(sweep))} runs" in head


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweep_has_a_folder_of_its_own_name_and_runs_without_m(sweep: str) -> None:
    hydra = yaml.safe_load((CONF / f"sweep/{sweep}.yaml").read_text())["hydra"]
    assert hydra["sweep"]["dir"] == f"outputs/sweeps/{sweep}"
    assert hydra["mode"] == "MULTIRUN"  # without -m it would train one run of the defaults, silently


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_value_of_a_sweep_composes(sweep: str) -> None:
    """One job for every value, not one for every combination: what composes alone composes together.

    Jobs are composed without the sweep itself, which says nothing but what Hydra does. Options compose alone
    (test_conf.py), so that they are left out, unless an experiment has other keys for one of them.
    """
    assert list(yaml.safe_load((CONF / f"sweep/{sweep}.yaml").read_text())) == ["hydra"]
    compose("train", [f"+sweep={sweep}"])
    unseen = {value for job in jobs(sweep) for value in job}
    if "experiment" not in params(sweep):
        unseen -= {f"{file.parent.name}={file.stem}" for file in CONF.glob("*/*.yaml")}
    for job in jobs(sweep):
        if unseen.intersection(job):
            compose("train", job)
            unseen.difference_update(job)
    assert not unseen


@pytest.mark.parametrize(("sweep", "group"), [("losses", "loss"), ("models", "model")])
def test_sweep_of_a_group_has_all_its_options(sweep: str, group: str) -> None:
    options = {Path(path).stem for path in (CONF / group).glob("*.yaml")}
    assert {job[0].removeprefix(f"{group}=") for job in jobs(sweep)} == options
