"""What every file of conf/optimizer promises: its options reach the optimizer, for the whole network and by part."""

from typing import Any

import pytest
import torch
from torch import nn

from segexp import build
from segexp.config.compose import compose
from segexp.types import Values
from tests.options import folders, options
from tests.two_parts import Model

pytestmark = pytest.mark.fast


@pytest.fixture(params=options("optimizer"))
def values(request: pytest.FixtureRequest) -> Values:
    """The configuration with one of the options, without parts that it may name."""
    values = compose("train", [f"optimizer={request.param}"], folders()[1:])
    return changed(values, parts=None)


def changed(values: Values, **settings: Any) -> Values:
    return {**values, "optimizer": {**values["optimizer"], **settings}}


def optimizer(values: Values, module: nn.Module) -> torch.optim.Optimizer:
    return build.optimizer(values)(module)


def test_all_parameters_are_one_group_by_default_with_the_options_of_the_yaml(values: Values) -> None:
    model = Model()
    (group,) = optimizer(changed(values, lr=0.5), model).param_groups
    assert group["lr"] == 0.5
    assert list(map(id, group["params"])) == list(map(id, model.parameters()))


def test_each_part_has_its_own_rate_and_decay(values: Values) -> None:
    model = Model()
    parts = {"encoder": {"lr": 0.1}, "norms_and_biases": {"weight_decay": 0}}
    groups = optimizer(changed(values, lr=0.5, weight_decay=0.25, parts=parts), model).param_groups
    found = {id(each): (group["lr"], group["weight_decay"]) for group in groups for each in group["params"]}
    expected = {
        "encoder.0.weight": (0.05, 0.25),
        "encoder.0.bias": (0.05, 0.0),
        "encoder.1.weight": (0.05, 0.0),
        "encoder.1.bias": (0.05, 0.0),
        "head.weight": (0.5, 0.25),
        "head.bias": (0.5, 0.0),
    }
    assert {name: found[id(each)] for name, each in model.network.named_parameters()} == expected


def test_a_step_by_part_is_that_of_one_optimizer_for_each_part(values: Values) -> None:
    """The oracle: torch's optimizer of the encoder alone, and another of the head alone."""
    torch.manual_seed(0)
    whole, alone = Model(), Model()
    alone.load_state_dict(whole.state_dict())
    settings = {key: value for key, value in values["optimizer"].items() if key not in ("_target_", "parts")}
    ours = optimizer(changed(values, parts={"encoder": {"lr": 0.1}}), whole)
    torch_class = type(ours)
    theirs = [
        torch_class(alone.network.encoder.parameters(), **{**settings, "lr": 0.1 * settings["lr"]}),
        torch_class(alone.network.head.parameters(), **settings),
    ]
    for model in (whole, alone):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    for each in (ours, *theirs):
        each.step()
    for first, second in zip(whole.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(first, second)
