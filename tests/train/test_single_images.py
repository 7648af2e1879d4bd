"""data.batch_size=1: trained where the network can, else refused before the training begins."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.train.single_images import refuse_single_images
from segexp.types import Values
from tests.training import start

Compose = Callable[..., Values]
DEEPLAB = ["model=deeplabv3plus", "model.encoder=resnet18"]


def test_a_network_that_pools_to_one_value_is_refused_with_the_cure(compose_small: Compose, tmp_path: Path) -> None:
    values = compose_small("data.batch_size=1") | {"model": build.compose("train", DEEPLAB)["model"]}
    with pytest.raises(ValueError, match=r"data.batch_size is 1, .*; set data.batch_size=2"):
        start(values, tmp_path / "run")


@pytest.mark.parametrize("typed", [["data.batch_size=2"], ["data.batch_size=1", "trainer.sync_batchnorm=true"]])
def test_batches_that_the_network_can_take_are_not_refused(compose_small: Compose, typed: list[str]) -> None:
    values = compose_small(*typed)
    refuse_single_images(build.model(build.compose("train", DEEPLAB)), values)


def test_asking_changes_neither_the_network_nor_the_random_numbers(compose_small: Compose) -> None:
    values = compose_small("data.batch_size=1")
    model = build.model(values)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(0)
    refuse_single_images(model, values)
    assert torch.initial_seed() == 0
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(1))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
