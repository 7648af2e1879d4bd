"""What every network of conf/model that has auxiliary heads, or a key that gives it some, promises of them."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from segexp.model.auxiliary import drop_auxiliary_heads, has_boundary_head, num_auxiliary
from segexp.model.segmenter import Segmenter
from segexp.types import TrainingLogits
from tests.contract.test_model import NUM_CLASSES, SIZES, random_image
from tests.model.options import OPTIONS, all_logits, build_model, heads_switched_on, smaller

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module", params=OPTIONS)
def option(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def built_model(option: str) -> Segmenter:
    """As it was built: no test trains it."""
    model = build_seeded(option, **heads_switched_on(option))
    if not num_auxiliary(model):
        pytest.skip(f"model={option} has no auxiliary heads, and no key that gives it some")
    return model


@pytest.fixture(scope="module")
def fresh_model(built_model: Segmenter) -> Segmenter:
    return copy.deepcopy(built_model)


@pytest.fixture
def model(fresh_model: Segmenter) -> Segmenter:
    return fresh_model.train()


def build_seeded(option: str, **overrides: Any) -> Segmenter:
    torch.manual_seed(0)
    return build_model(option, NUM_CLASSES, **smaller(option) | overrides)


def test_options_with_auxiliary_heads_are_found() -> None:
    assert {"pspnet", "fcn8", "unet", "deeplabv3plus"} <= set(filter(heads_switched_on, OPTIONS))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_training_adds_auxiliary_logits_as_large_as_the_image(model: Segmenter, height: int, width: int) -> None:
    output = model(random_image(height, width))
    assert isinstance(output, TrainingLogits)
    assert len(output.auxiliary) == num_auxiliary(model) - has_boundary_head(model)
    assert (output.boundary is not None) == has_boundary_head(model)
    for logits in all_logits(output):
        assert logits.shape == (2, 1 if logits is output.boundary else NUM_CLASSES, height, width)
        assert logits.isfinite().all()


@torch.no_grad()
def test_evaluation_needs_no_auxiliary_head(model: Segmenter) -> None:
    image, without = random_image(33, 47), copy.deepcopy(model.eval())
    drop_auxiliary_heads(without)
    assert num_auxiliary(without) == 0
    logits = model(image)
    assert isinstance(logits, Tensor)
    assert torch.equal(without(image), logits)


def test_heads_that_are_switched_on_leave_the_rest_of_the_network_as_it_was(
    option: str, built_model: Segmenter
) -> None:
    """A checkpoint of one can start the other, and a seed gives both the same weights."""
    if not heads_switched_on(option):
        pytest.skip(f"the auxiliary heads of model={option} cannot be switched off")
    fresh = copy.deepcopy(built_model)
    plain = build_seeded(option, auxiliary_stages=None)
    drop_auxiliary_heads(fresh)
    torch.testing.assert_close(fresh.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_gradients_reach_every_parameter_with_heads(model: Segmenter) -> None:
    """DistributedDataParallel refuses parameters without a gradient."""
    output = model(random_image(64, 64))
    torch.stack([each.square().mean() for each in all_logits(output)]).sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    model.zero_grad()


def test_each_auxiliary_loss_trains_more_than_its_head(model: Segmenter) -> None:
    _, *auxiliary = all_logits(model(random_image(64, 64)))
    for logits in auxiliary:
        model.zero_grad()
        logits.square().mean().backward(retain_graph=True)
        rest = {name: each.grad for name, each in model.named_parameters() if "auxiliary_heads" not in name}
        assert any(gradient is not None and gradient.any() for gradient in rest.values())
    model.zero_grad()


def test_training_with_heads_runs_under_autocast_and_in_both_memory_formats(model: Segmenter) -> None:
    image = random_image(33, 47)
    channels_last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = [each(image) for each in (model, channels_last)]
    assert all(logits.isfinite().all() for output in outputs for logits in all_logits(output))


@pytest.mark.slow
def test_training_with_heads_compiles_to_one_graph(model: Segmenter) -> None:
    torch.compiler.reset()  # it compiles one forward method, here the wrapper's, for 8 networks of a process at most
    compiled = torch.compile(copy.deepcopy(model), backend="eager", fullgraph=True)
    output = compiled(random_image(33, 47))
    assert isinstance(output, TrainingLogits)
    assert len(all_logits(output)) == 1 + num_auxiliary(model)
