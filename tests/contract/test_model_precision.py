"""Every network of conf/model computes the same in both precisions and both memory formats, as far as 8 bits allow."""

import copy
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from segexp.model.auxiliary import split_output
from segexp.model.segmenter import Segmenter
from tests.contract.test_model import NUM_CLASSES, random_image
from tests.model.options import OPTIONS, all_logits, small_model

pytestmark = pytest.mark.fast

FLOAT32, BFLOAT16 = torch.float32, torch.bfloat16
SLACK = {BFLOAT16: 4, FLOAT32: 1 / 4}
"""How much further off a network may be than by rounding its weights to 8 bits: its features are rounded, too."""


class Outcome(NamedTuple):
    """logits: in train mode of all heads. gradient: of all parameters, one after the other; both in float64."""

    logits: Tensor
    gradient: Tensor


class Exact(NamedTuple):
    """outcome: in float64. rounded: the same with weights that have the 8 bits of bfloat16."""

    outcome: Outcome
    rounded: Outcome


@pytest.fixture(scope="module", params=OPTIONS)
def fresh_model(request: pytest.FixtureRequest) -> Segmenter:
    model = small_model(request.param, NUM_CLASSES)
    for module in model.modules():  # draws of dropout depend on the order of features in memory
        if isinstance(getattr(module, "p", None), float):
            module.p = 0.0
        if isinstance(getattr(module, "drop_prob", None), float):
            module.drop_prob = 0.0
    return model


@pytest.fixture(scope="module", params=["train", "eval"])
def model(request: pytest.FixtureRequest, fresh_model: Segmenter) -> Segmenter:
    return fresh_model.train(request.param == "train")


@pytest.fixture(scope="module")
def exact(model: Segmenter) -> Exact:
    double = copy.deepcopy(model).double()
    outcome = compute(double)
    for parameter in double.parameters():
        parameter.data = parameter.data.to(BFLOAT16).double()
    return Exact(outcome, compute(double))


def compute(
    model: nn.Module, precision: torch.dtype = FLOAT32, layout: torch.memory_format = torch.contiguous_format
) -> Outcome:
    image = random_image(64, 64).to(memory_format=layout)
    image[1] //= 2  # a batch norm of two images that are pooled to almost the same value would enlarge rounding
    model.to(memory_format=layout).zero_grad()
    with torch.autocast("cpu", BFLOAT16, enabled=precision == BFLOAT16):
        output = split_output(model(image), model.network)
    every = torch.cat(all_logits(output), 1)
    assert every.shape[2:] == (64, 64)
    every.double().square().mean().backward()
    gradients = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    return Outcome(every.detach().double(), torch.cat(gradients).double())


def distance(found: Tensor, expected: Tensor) -> float:
    """Relative L2."""
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("precision", [FLOAT32, BFLOAT16])
def test_logits_and_gradients_are_as_close_to_float64_as_the_precision_allows(
    model: Segmenter, exact: Exact, precision: torch.dtype, layout: torch.memory_format
) -> None:
    """The yardstick is what the weights' rounding to the 8 bits of bfloat16 changes in float64, or one rounding."""
    found = compute(model, precision, layout)
    for each, expected, rounded in zip(found, *exact, strict=True):
        assert each.isfinite().all()
        assert distance(each, expected) < SLACK[precision] * max(distance(rounded, expected), 2**-8)
