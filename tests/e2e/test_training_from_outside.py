"""An optimizer and a schedule of the user's own, as docs/extending.md has them."""

from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.config.compose import compose
from segexp.train.settings import TrainSettings, schedule_with_end
from segexp.types import Values
from tests.examples import write_example
from tests.two_parts import Model


@pytest.fixture
def values(tmp_path: Path) -> Values:
    write_example("An optimizer", tmp_path)
    write_example("A schedule", tmp_path)
    return compose("train", ["optimizer=radam", "scheduler=linear", "warmup=0.1"], [tmp_path / "my_conf"])


@pytest.mark.fast
def test_an_optimizer_of_torch_needs_a_yaml_only(values: Values) -> None:
    model = Model()
    optimizer = build.optimizer(values)(model)
    assert isinstance(optimizer, torch.optim.RAdam)
    rates = {id(each): group["lr"] for group in optimizer.param_groups for each in group["params"]}
    assert rates[id(model.network.encoder[0].weight)] == pytest.approx(0.1 * rates[id(model.network.head.weight)])


@pytest.mark.fast
def test_a_schedule_of_torch_says_in_its_yaml_that_it_has_an_end(values: Values) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = build.scheduler(values)(optimizer, 100)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    assert schedule_with_end(values) == "scheduler=LinearLR"
    endless = {**values, "trainer": {**values["trainer"], "max_epochs": -1}}
    with pytest.raises(ValueError, match=r"trainer.max_epochs is -1, .* scheduler=LinearLR depends on its end"):
        TrainSettings.of(endless)
