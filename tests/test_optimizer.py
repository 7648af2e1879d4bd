"""Optimizers by part of the network; tests/contract holds every option to its promises."""

import pytest
import torch
from torch import nn

from segexp import build
from segexp.config.compose import compose
from segexp.optimizer import learning_rates
from tests.two_parts import Model

pytestmark = pytest.mark.fast

PARTS = "optimizer.parts={encoder: {lr: 0.1}, norms_and_biases: {weight_decay: 0}}"


def optimizer(*overrides: str, module: nn.Module | None = None) -> torch.optim.Optimizer:
    return build.optimizer(compose("train", overrides))(module or Model())


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
        ("{decoder: {lr: 0.1}}", ["'decoder'", "has no parameters", "encoder, head, norms_and_biases"]),
        ("{enc: {lr: 0.1}}", ["'enc'", "has no parameters"]),
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
