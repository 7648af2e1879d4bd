"""Optimizers by part of the network, and the group conf/optimizer as a whole."""

import pytest
import torch
from torch import nn

from segexp import build
from segexp.config.compose import compose
from segexp.optimizer import learning_rates
from tests.options import options

pytestmark = pytest.mark.fast

PARTS = "optimizer.parts={encoder: {lr: 0.1}, norms_and_biases: {weight_decay: 0}}"


class Network(nn.Module):
    """The smallest network with an encoder and a head, each with weights and a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Conv2d(4, 2, 1)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = Network()


def optimizer(*overrides: str, module: nn.Module | None = None) -> torch.optim.Optimizer:
    return build.optimizer(compose("train", overrides))(module or Model())


@pytest.mark.parametrize("option", options("optimizer"))
def test_all_parameters_are_one_group_by_default_with_the_options_of_the_yaml(option: str) -> None:
    model = Model()
    (group,) = optimizer(f"optimizer={option}", "optimizer.lr=0.5", module=model).param_groups
    assert group["lr"] == 0.5
    assert list(map(id, group["params"])) == list(map(id, model.parameters()))


@pytest.mark.parametrize("option", options("optimizer"))
def test_each_part_has_its_own_rate_and_decay(option: str) -> None:
    model = Model()
    typed = [f"optimizer={option}", "optimizer.lr=0.5", "optimizer.weight_decay=0.25", PARTS]
    groups = optimizer(*typed, module=model).param_groups
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


@pytest.mark.parametrize("option", options("optimizer"))
def test_a_step_by_part_is_that_of_one_optimizer_for_each_part(option: str) -> None:
    """The oracle: torch's optimizer of the encoder alone, and another of the head alone."""
    torch.manual_seed(0)
    whole, alone = Model(), Model()
    alone.load_state_dict(whole.state_dict())
    settings = compose("train", [f"optimizer={option}"])["optimizer"]
    settings = {key: value for key, value in settings.items() if key not in ("_target_", "parts")}
    torch_class = type(optimizer(f"optimizer={option}"))
    ours = optimizer(f"optimizer={option}", "optimizer.parts={encoder: {lr: 0.1}}", module=whole)
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


def test_the_rate_of_every_group_is_logged_by_its_name() -> None:
    assert learning_rates(optimizer("optimizer.lr=0.5")) == {"lr": 0.5}
    rates = learning_rates(optimizer("optimizer.lr=0.5", PARTS))
    assert rates == {
        "lr": 0.5,
        "lr/rest": 0.5,
        "lr/encoder": 0.05,
        "lr/norms_and_biases": 0.5,
        "lr/encoder and norms_and_biases": 0.05,
    }


@pytest.mark.parametrize(
    ("parts", "facts"),
    [
        ("{decoder: {lr: 0.1}}", ["'decoder'", "no parameter is in", "encoder, head, norms_and_biases"]),
        ("{enc: {lr: 0.1}}", ["'enc'", "no parameter is in"]),
        ("{encoder: {rate: 0.1}}", ["optimizer.parts.encoder", "'rate'", "lr, weight_decay"]),
        ("{encoder: {lr: -1}}", ["optimizer.parts.encoder.lr", "-1", "at least 0"]),
        ("{encoder: {lr: fast}}", ["optimizer.parts.encoder.lr", "'fast'", "at least 0"]),
    ],
)
def test_a_part_that_cannot_be_is_named_with_what_can(parts: str, facts: list[str]) -> None:
    with pytest.raises(ValueError, match="optimizer.parts") as error:
        optimizer(f"optimizer.parts={parts}")
    assert [fact for fact in facts if fact not in str(error.value)] == []


def head_only(module: nn.Module, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(module.network.head.parameters(), lr)


def test_a_factory_that_takes_the_module_gets_it() -> None:
    model = Model()
    values = compose("train") | {"optimizer": {"_target_": f"{__name__}.head_only", "lr": 0.5}}
    (group,) = build.optimizer(values)(model).param_groups
    assert list(map(id, group["params"])) == list(map(id, model.network.head.parameters()))
