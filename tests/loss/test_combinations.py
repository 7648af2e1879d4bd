"""Losses made of losses."""

import pytest
import torch
from scipy import stats

from segexp.loss.cross_entropy import CrossEntropy
from segexp.loss.cross_entropy_lovasz import CrossEntropyLovasz
from segexp.loss.cross_entropy_to_iou import CrossEntropyToIoU
from segexp.loss.lovasz_softmax import LovaszSoftmax
from segexp.loss.soft_iou import SoftIoU
from tests.loss.oracles import random_batch


def test_the_sum_weighs_its_terms() -> None:
    batch = random_batch(3, 60)
    terms = {"cross_entropy": CrossEntropy(), "lovasz": LovaszSoftmax(3, stats.uniform())}
    expected = 0.25 * terms["cross_entropy"](*batch) + 0.75 * terms["lovasz"](*batch)
    torch.testing.assert_close(CrossEntropyLovasz(terms, {"lovasz": 0.75, "cross_entropy": 0.25})(*batch), expected)


def test_a_term_without_weight_is_named() -> None:
    with pytest.raises(ValueError, match="cross_entropy_lovasz") as error:
        CrossEntropyLovasz({"a": CrossEntropy()}, {"b": 1.0})
    facts = ["terms are ['a']", "['b']", "loss.terms", "loss.weights"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


@pytest.mark.parametrize(("epoch", "share"), [(0, 0.0), (570, 0.5), (570 + 200 / 15, 0.7311), (1200, 1.0)])
def test_the_share_of_the_second_loss_is_the_sigmoid_of_the_epoch(epoch: int, share: float) -> None:
    loss = CrossEntropyToIoU(CrossEntropy(), SoftIoU(3), middle=570, width=200 / 15, unit="epochs")
    loss.set_progress(epoch, 0.3)
    assert_share(loss, share)


@pytest.mark.parametrize(("fraction", "share"), [(0.0, 0.0), (0.5, 0.5), (0.51, 0.7311), (1.0, 1.0)])
def test_the_share_of_the_second_loss_is_the_sigmoid_of_the_fraction_of_the_training(fraction: float, share: float):
    loss = CrossEntropyToIoU(CrossEntropy(), SoftIoU(3), middle=0.5, width=0.01, unit="training")
    loss.set_progress(7, fraction)
    assert_share(loss, share)


def assert_share(loss: CrossEntropyToIoU, share: float) -> None:
    batch = random_batch(3, 60)
    expected = (1 - share) * CrossEntropy()(*batch) + share * SoftIoU(3)(*batch)
    torch.testing.assert_close(loss(*batch), expected, rtol=1e-4, atol=1e-4)


def test_an_epoch_far_from_the_middle_overflows_nothing() -> None:
    loss = CrossEntropyToIoU(CrossEntropy(), SoftIoU(3), middle=1e6, width=0.1, unit="epochs")
    assert loss(*random_batch(3, 10)).isfinite()


@pytest.mark.parametrize(
    ("middle", "width", "unit", "said"),
    [
        (0.5, 0, "training", "width is 0; .* set loss.width"),
        (5, 0.1, "training", "middle is 5; .* between 0 and 1; .*loss.unit=epochs"),
        (0.5, 0.1, "steps", "unit is 'steps'; allowed: training, epochs; set loss.unit"),
    ],
)
def test_a_change_that_cannot_be_is_refused(middle: float, width: float, unit: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^cross_entropy_to_iou: {said}"):
        CrossEntropyToIoU(torch.nn.Identity(), torch.nn.Identity(), middle, width, unit)


def test_a_fraction_of_a_training_without_an_end_is_refused() -> None:
    loss = CrossEntropyToIoU(CrossEntropy(), SoftIoU(3), middle=0.5, width=0.01, unit="training")
    with pytest.raises(ValueError, match="no end; set trainer.max_epochs .*loss.unit=epochs"):
        loss.set_progress(0, None)


def test_second_derivatives_of_a_sum_with_a_lovasz_loss_are_refused() -> None:
    logits, target = random_batch(3, 60)
    terms = {"cross_entropy": CrossEntropy(), "lovasz": LovaszSoftmax(3, stats.uniform())}
    loss = CrossEntropyLovasz(terms, {"cross_entropy": 0.5, "lovasz": 0.5})(logits, target)
    (gradient,) = torch.autograd.grad(loss, logits, create_graph=True)
    with pytest.raises(NotImplementedError, match="^loss: the Lovász family has no second derivatives.*take another"):
        gradient.sum().backward()
