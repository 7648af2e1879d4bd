"""Boundaries by their definition, their loss by torch's, and the contracts of a loss for the two together."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segexp.loss.engine.boundary import RADIUS, at_boundary, boundary_loss
from segexp.loss.engine.deep_supervision import DeepSupervision
from segexp.types import VOID, TrainingLogits
from tests.loss.options import OPTIONS, build_loss

NUM_CLASSES = 4


@pytest.fixture
def target() -> Tensor:
    """Squares of 6x6 pixels of one class each, and void pixels."""
    generator = torch.Generator().manual_seed(1)
    squares = torch.randint(0, NUM_CLASSES, (2, 3, 4), generator=generator, dtype=torch.uint8)
    target = squares.repeat_interleave(6, 1).repeat_interleave(6, 2)
    target[torch.rand(target.shape, generator=generator) < 0.2] = VOID
    return target


@pytest.fixture
def output(target: Tensor) -> TrainingLogits:
    generator = torch.Generator().manual_seed(0)
    main, auxiliary = 2 * torch.randn(2, 2, NUM_CLASSES, *target.shape[1:], generator=generator)
    boundary = 3 * torch.randn(2, 1, *target.shape[1:], generator=generator)
    return TrainingLogits(main.requires_grad_(), [auxiliary.requires_grad_()], boundary.requires_grad_())


def supervision(option: str = "cross_entropy", **weights: float) -> DeepSupervision:
    return DeepSupervision(build_loss(option, NUM_CLASSES), 2, weights.get("weight"), weights.get("boundary_weight"))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_a_pixel_is_at_a_boundary_if_one_of_another_class_is_near(target: Tensor, dtype: torch.dtype) -> None:
    found = at_boundary(target.to(dtype))
    for image, row, column in itertools.product(*map(range, target.shape)):
        rows, columns = (slice(max(0, at - RADIUS), at + RADIUS + 1) for at in (row, column))
        classes = set(target[image, rows, columns].flatten().tolist()) - {VOID}
        is_valid = target[image, row, column] != VOID
        assert found[image, row, column] == (is_valid and len(classes) > 1)


def test_the_boundary_loss_is_torchs_with_the_weights_of_the_two_kinds_of_pixels(target: Tensor, output) -> None:
    valid = target != VOID
    edge = at_boundary(target)[valid].float()
    weight = torch.where(edge == 1, 1 - edge.mean(), edge.mean())
    expected = F.binary_cross_entropy_with_logits(output.boundary[:, 0][valid], edge, weight)
    torch.testing.assert_close(boundary_loss(output.boundary, target, training=True), expected)


def test_with_cross_entropy_it_is_the_loss_of_pidnet(target: Tensor, output) -> None:
    """0.4 l0 + 20 l1 + l2 + l3, the last of pixels that are at a boundary with a probability above 0.8."""
    main, (auxiliary,), boundary = output
    certain = target.clone()
    certain[boundary[:, 0].sigmoid() <= 0.8] = VOID
    l0, l2, l3 = (
        F.cross_entropy(logits, pixels.long(), ignore_index=VOID)
        for logits, pixels in ((auxiliary, target), (main, target), (main, certain))
    )
    l1 = boundary_loss(boundary, target, training=True)
    torch.testing.assert_close(supervision()(output, target), 0.4 * l0 + 20 * l1 + l2 + l3)


@pytest.mark.parametrize("option", OPTIONS)
def test_void_pixels_have_no_influence_and_no_gradient(option: str, target: Tensor, output) -> None:
    loss, void = supervision(option), (target == VOID)[:, None]
    value = loss(output, target)
    value.backward()
    every = (output.logits, *output.auxiliary, output.boundary)
    assert all(logits.grad is not None and (logits.grad * void == 0).all() for logits in every)
    assert all(logits.grad.isfinite().all() and logits.grad.any() for logits in every)
    main, auxiliary, boundary = (torch.where(void, 9 * logits.flip(1, 3), logits) for logits in every)
    torch.testing.assert_close(loss(TrainingLogits(main, [auxiliary], boundary), target), value)


@pytest.mark.parametrize("option", OPTIONS)
def test_with_a_weight_of_0_boundaries_cost_nothing_but_get_a_gradient_of_0(option: str, target: Tensor, output):
    """DistributedDataParallel waits for the gradient of every parameter."""
    value = supervision(option, boundary_weight=0)(output, target)
    plain = DeepSupervision(build_loss(option, NUM_CLASSES), 1, None)
    torch.testing.assert_close(value, plain(TrainingLogits(output.logits, output.auxiliary), target))
    (gradient,) = torch.autograd.grad(value, output.boundary)
    assert not gradient.any()


def test_only_void_and_only_one_class_cost_no_boundary_loss(target: Tensor, output) -> None:
    for value in (VOID, 3):
        loss = boundary_loss(output.boundary, torch.full_like(target, value), training=True)
        (gradient,) = torch.autograd.grad(loss, output.boundary)
        assert loss == 0
        assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_boundary_logits_of_any_precision_give_float32(target: Tensor, output, dtype: torch.dtype) -> None:
    rounded = output.boundary.detach().to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        value = boundary_loss(rounded, target, training=True)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, boundary_loss(rounded.float(), target, training=True))


def test_boundary_logits_never_make_the_host_wait_for_the_device() -> None:
    """On torch's meta device, whose tensors have no values: torch raises where the host asks for one."""
    with torch.device("meta"):
        output = TrainingLogits(*(torch.empty(1, 4, 8, 8), [torch.empty(1, 4, 8, 8)], torch.empty(1, 1, 8, 8)))
        assert supervision().to("meta")(output, torch.empty(1, 8, 8, dtype=torch.uint8)).is_meta


def test_boundary_logits_of_several_channels_are_refused(target: Tensor, output) -> None:
    with pytest.raises(ValueError, match=r"^loss: boundary logits \[2, 4, 18, 24\] .*allowed: .*\[B, 1, H, W\].*give"):
        boundary_loss(output.logits, target, training=True)
