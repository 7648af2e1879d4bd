"""The loss of main and auxiliary logits is the weighted sum of its parts, and the parts do not mix."""

import pytest
import torch
from torch import Tensor, nn

from segexp.loss.engine.deep_supervision import DeepSupervision
from segexp.types import TrainingLogits
from tests.loss.options import OPTIONS, build_loss, settings

NUM_CLASSES = 4
WITH_MOMENTUM = [option for option in OPTIONS if "momentum" in settings(option)]


@pytest.fixture
def outputs() -> list[TrainingLogits]:
    """Of three steps, with two auxiliary logits each."""
    generator = torch.Generator().manual_seed(0)
    steps = torch.randn(3, 3, 2, NUM_CLASSES, 8, 9, generator=generator)
    return [TrainingLogits(main, auxiliary) for main, *auxiliary in steps]


@pytest.fixture
def target() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, NUM_CLASSES, (2, 8, 9), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("option", OPTIONS)
def test_it_is_the_main_loss_plus_the_weighted_auxiliary_ones(option: str, outputs, target) -> None:
    loss = DeepSupervision(build_loss(option, NUM_CLASSES), num_auxiliary=2, weight=0.3)
    (main, (first, second), _), plain = outputs[0], build_loss(option, NUM_CLASSES)
    expected = plain(main, target) + 0.3 * plain(first, target) + 0.3 * plain(second, target)
    torch.testing.assert_close(loss(outputs[0], target), expected)


def test_no_weight_is_that_of_pspnet(outputs, target) -> None:
    loss, same = (DeepSupervision(build_loss("focal", NUM_CLASSES), 2, weight) for weight in (None, 0.4))
    assert loss(outputs[0], target) == same(outputs[0], target)


def test_logits_alone_cost_the_main_loss(outputs, target) -> None:
    loss, plain = DeepSupervision(build_loss("dice", NUM_CLASSES), 2, None).eval(), build_loss("dice", NUM_CLASSES)
    assert loss(outputs[0].logits, target) == plain(outputs[0].logits, target)


@pytest.mark.parametrize("option", WITH_MOMENTUM)
def test_counts_of_the_steps_before_are_those_of_the_same_logits(option: str, outputs, target) -> None:
    loss = DeepSupervision(build_loss(option, NUM_CLASSES, momentum=0.9), num_auxiliary=2, weight=0.4)
    alone = [build_loss(option, NUM_CLASSES, momentum=0.9) for _ in range(3)]
    for output in outputs:
        parts = [each(logits, target) for each, logits in zip(alone, (output.logits, *output.auxiliary), strict=True)]
        torch.testing.assert_close(loss(output, target), parts[0] + 0.4 * parts[1] + 0.4 * parts[2])
    counts = nn.ModuleList([loss.main, *loss.auxiliary]).state_dict()
    assert counts
    torch.testing.assert_close(counts, nn.ModuleList(alone).state_dict(), rtol=0, atol=0)


def test_more_auxiliary_logits_than_expected_are_an_error(outputs, target) -> None:
    with pytest.raises(ValueError, match="zip"):
        DeepSupervision(build_loss("focal", NUM_CLASSES), 1, None)(outputs[0], target)
