"""The hinge loss against torch's multi-class margin."""

import pytest
import torch

from segexp.loss.hinge import Hinge
from segexp.types import VOID
from tests.loss.oracles import random_batch


def test_hinge_is_torchs_margin_on_the_probabilities_of_valid_pixels() -> None:
    logits, target = random_batch(5, 200, 3.0)
    valid = target != VOID
    probability = logits.softmax(1).movedim(1, -1)[valid]  # pixel c
    expected = torch.nn.functional.multi_margin_loss(probability, target[valid].long(), margin=0.5)
    torch.testing.assert_close(Hinge(0.5)(logits, target), expected)


def test_a_prediction_beyond_the_margin_costs_nothing() -> None:
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1)  # 0.88 against 0.12
    assert Hinge(0.5)(logits, torch.zeros(1, 1, 1, dtype=torch.uint8)) == 0


def test_a_margin_that_no_probability_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="margin is 1.5"):
        Hinge(1.5)
