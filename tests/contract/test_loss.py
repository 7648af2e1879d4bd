"""The promises that every file of conf/loss keeps (docs/extending.md)."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from segexp.types import VOID
from tests.loss.options import OPTIONS, build_loss, settings

pytestmark = pytest.mark.fast

NUM_CLASSES = 5
Batch = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(params=OPTIONS)
def loss(request: pytest.FixtureRequest) -> nn.Module:
    return build_loss(request.param, NUM_CLASSES)


@pytest.fixture
def batch() -> Batch:
    return random_batch(NUM_CLASSES)


def random_batch(num_classes: int, size: tuple[int, int, int] = (2, 6, 7), scale: float = 2.0) -> Batch:
    """Draw logits that ask for a gradient, and a target in which about one pixel of five is void."""
    generator = torch.Generator().manual_seed(num_classes)
    logits = scale * torch.randn(size[0], num_classes, *size[1:], generator=generator)
    target = torch.randint(0, num_classes, size, generator=generator, dtype=torch.uint8)
    target[torch.rand(size, generator=generator) < 0.2] = VOID
    return logits.requires_grad_(), target


def value_and_gradient(loss: nn.Module, logits: torch.Tensor, target: torch.Tensor) -> Batch:
    logits = logits.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    value = loss(logits, target)
    value.backward()
    assert logits.grad is not None
    return value.detach(), logits.grad


def assert_scalar(value: torch.Tensor, gradient: torch.Tensor) -> None:
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert gradient.isfinite().all()


def assert_names(error: pytest.ExceptionInfo[ValueError], *facts: str) -> None:
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_every_loss_is_found() -> None:
    assert len(OPTIONS) >= 12


@pytest.mark.parametrize("num_classes", [2, 3, 19, 34])
@pytest.mark.parametrize("option", OPTIONS)
def test_loss_is_a_finite_float32_scalar(option: str, num_classes: int) -> None:
    assert_scalar(*value_and_gradient(build_loss(option, num_classes), *random_batch(num_classes)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_logits_of_any_precision_give_float32(loss: nn.Module, batch: Batch, dtype: torch.dtype) -> None:
    value, gradient = value_and_gradient(loss, batch[0].to(dtype), batch[1])
    assert_scalar(value, gradient)
    assert gradient.dtype == dtype
    torch.testing.assert_close(value, loss(batch[0].to(dtype).float(), batch[1]).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_in_both_precisions_and_memory_formats_are_those_of_float64(
    loss: nn.Module, batch: Batch, dtype: torch.dtype, layout: torch.memory_format, training: bool
) -> None:
    """Of the same, rounded logits. In bfloat16 a gradient is rounded by half of 2^-8 at most, but so are each term of a
    sum of losses and the sum itself: thus by its norm.
    """
    logits, target, before = batch[0].to(dtype), batch[1], batch[1].clone()
    expected = value_and_gradient(loss.train(training), logits.double(), target)
    value, gradient = value_and_gradient(loss, logits.contiguous(memory_format=layout), target)
    assert_scalar(value, gradient)
    assert (gradient.dtype, gradient.shape) == (dtype, logits.shape)
    assert torch.equal(target, before)
    torch.testing.assert_close(value, expected[0], rtol=1e-6, atol=1e-7)
    allowed = 2**-8 if dtype == torch.bfloat16 else 1e-6
    assert (gradient.double() - expected[1]).norm() <= allowed * expected[1].norm()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("num_pixels", [64, 2**18])
def test_bfloat16_logits_of_either_memory_format_never_wait_for_the_device(
    loss: nn.Module, layout: torch.memory_format, num_pixels: int
) -> None:
    """On torch's meta device, whose tensors have no values: torch raises where the host asks for one."""
    with torch.device("meta"):
        logits = torch.empty(1, NUM_CLASSES, 8, num_pixels // 8, dtype=torch.bfloat16, memory_format=layout)
        target = torch.empty(1, 8, num_pixels // 8, dtype=torch.uint8)
    value, gradient = value_and_gradient(loss.to("meta"), logits, target)
    assert value.is_meta
    assert gradient.is_meta
    assert gradient.dtype == torch.bfloat16


def test_autocast_changes_nothing(loss: nn.Module, batch: Batch) -> None:
    value, gradient = value_and_gradient(loss, *batch)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = value_and_gradient(loss, *batch)
    assert_scalar(*under_autocast)
    torch.testing.assert_close(under_autocast, (value, gradient))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("overrides", [{}, {"momentum": 0.9}, {"class_weights": [0.1, 0.2, 0.3, 0.4, 0.5]}])
@pytest.mark.parametrize("option", OPTIONS)
def test_a_training_in_another_precision_changes_nothing(
    option: str, overrides: dict[str, Any], dtype: torch.dtype, batch: Batch
) -> None:
    """As trainer.precision=bf16-true casts the modules, and sets the default type within a step."""
    if not set(overrides) <= set(settings(option)):
        pytest.skip(f"loss={option} has no {', '.join(overrides)}")
    logits, target = batch[0].to(dtype), batch[1]
    usual, cast = (build_loss(option, NUM_CLASSES, **overrides) for _ in range(2))
    expected = [value_and_gradient(usual, scale * logits, target) for scale in (1, 2)]
    cast.to(dtype)
    torch.set_default_dtype(dtype)
    try:
        steps = [value_and_gradient(cast, scale * logits, target) for scale in (1, 2)]
    finally:
        torch.set_default_dtype(torch.float32)
    for step in steps:
        assert_scalar(*step)
    torch.testing.assert_close(steps, expected, rtol=0, atol=0)
    types = {name: value.dtype for name, value in usual.named_buffers()}
    assert {name: value.dtype for name, value in cast.named_buffers()} == types


def test_void_pixels_have_no_influence_and_no_gradient(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    void = (target == VOID).unsqueeze(1)
    value, gradient = value_and_gradient(loss, logits, target)
    assert (gradient * void == 0).all()
    changed = value_and_gradient(loss, torch.where(void, 50 * logits.flip(1), logits), target)
    torch.testing.assert_close(changed, (value, gradient))


def test_void_pixels_might_as_well_be_cut_out(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    valid = target != VOID
    image = logits.movedim(1, -1)[valid].T[None, :, None]  # 1 c 1 pixel
    torch.testing.assert_close(loss(image, target[valid][None, None]), loss(logits, target))


def test_only_void_costs_nothing(loss: nn.Module, batch: Batch) -> None:
    value, gradient = value_and_gradient(loss, batch[0], torch.full_like(batch[1], VOID))
    assert_scalar(value, gradient)
    assert value == 0
    assert (gradient == 0).all()


def test_a_batch_of_no_image_costs_nothing(loss: nn.Module, batch: Batch) -> None:
    value, gradient = value_and_gradient(loss, batch[0][:0], batch[1][:0])
    assert_scalar(value, gradient)
    assert value == 0
    assert gradient.shape == (0, *batch[0].shape[1:])


def test_absent_classes_are_fine(loss: nn.Module, batch: Batch) -> None:
    assert_scalar(*value_and_gradient(loss, batch[0], torch.ones_like(batch[1])))


@pytest.mark.parametrize("label", [0, NUM_CLASSES - 1, VOID])
def test_one_pixel_is_fine(loss: nn.Module, label: int) -> None:
    logits, _ = random_batch(NUM_CLASSES, (1, 1, 1))
    assert_scalar(*value_and_gradient(loss, logits, torch.full((1, 1, 1), label, dtype=torch.uint8)))


def test_order_of_pixels_does_not_matter(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    order = torch.randperm(target.numel(), generator=torch.Generator().manual_seed(0))
    shuffled = logits.movedim(1, -1).flatten(0, 2)[order].T[None, :, None]  # b c h w -> 1 c 1 pixel
    torch.testing.assert_close(loss(shuffled, target.flatten()[order][None, None]), loss(logits, target))


def test_memory_layout_does_not_matter(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    expected = value_and_gradient(loss, logits, target)
    channels_last = value_and_gradient(loss, logits.contiguous(memory_format=torch.channels_last), target)
    torch.testing.assert_close(channels_last, expected)
    strided = torch.stack([logits.detach()] * 2, dim=-1).flatten(3)[..., ::2].requires_grad_()
    assert not strided.is_contiguous()
    torch.testing.assert_close(value_and_gradient(loss, strided, target.mT.contiguous().mT), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_a_target_of_any_type_and_layout_gives_the_same_and_stays_as_it_was(
    loss: nn.Module, batch: Batch, dtype: torch.dtype
) -> None:
    logits, target = batch[0], batch[1].to(dtype)
    target[1] = target[0]  # so that one image can stand for both
    expected = value_and_gradient(loss, logits, target.to(torch.uint8))
    content = target.clone()
    for layout in (target, target.mT.contiguous().mT, content[0].clone().expand(2, -1, -1)):
        version = layout._version
        torch.testing.assert_close(value_and_gradient(loss, logits, layout), expected)
        assert layout._version == version
        assert torch.equal(layout, content)


def test_logits_of_any_layout_stay_as_they_were(loss: nn.Module, batch: Batch) -> None:
    once = batch[0][:1].detach()
    for logits in (
        batch[0],
        batch[0].detach().contiguous(memory_format=torch.channels_last).requires_grad_(),
        once.expand(2, -1, -1, -1).requires_grad_(),
    ):
        before, version = logits.detach().clone(), logits._version
        loss(logits, batch[1]).backward()
        assert logits._version == version
        assert torch.equal(logits, before)


@pytest.mark.parametrize("scale", [1e4, 0.0])
def test_extreme_logits_stay_finite(loss: nn.Module, batch: Batch, scale: float) -> None:
    assert_scalar(*value_and_gradient(loss, scale * batch[0].sign(), batch[1]))


def test_a_constant_added_to_all_logits_of_a_pixel_changes_nothing(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    torch.testing.assert_close(
        loss(logits + logits[:, :1].detach() + 3, target), loss(logits, target), rtol=1e-4, atol=1e-5
    )


def test_descent_on_the_logits_finds_the_target(loss: nn.Module) -> None:
    logits, target = random_batch(NUM_CLASSES, (1, 8, 8), scale=0.1)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(150):
        optimizer.zero_grad()
        loss(logits, target).backward()
        optimizer.step()
    valid = target != VOID
    assert (logits.argmax(1) == target)[valid].float().mean() >= 0.95


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing_of_gradients_changes_nothing(loss: nn.Module, batch: Batch, use_reentrant: bool) -> None:
    logits = batch[0].detach().clone().requires_grad_()
    value = checkpoint(loss, logits, batch[1], use_reentrant=use_reentrant)
    value.backward()
    torch.testing.assert_close((value.detach(), logits.grad), value_and_gradient(loss, *batch), rtol=0, atol=0)


def test_gradients_of_functions_are_the_same(loss: nn.Module, batch: Batch) -> None:
    gradient, value = torch.func.grad_and_value(loss)(batch[0].detach(), batch[1])
    torch.testing.assert_close((value, gradient), value_and_gradient(loss, *batch))


def test_second_derivatives_are_right_or_refused(loss: nn.Module, batch: Batch) -> None:
    logits, target = batch
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(loss(logits, target), logits, create_graph=True)
    try:
        (second,) = torch.autograd.grad((gradient * direction).sum(), logits)
    except NotImplementedError:
        return
    step = 1e-4 * direction  # small, as the gradient of some losses jumps
    ahead, behind = (value_and_gradient(loss, logits + sign * step, target)[1] for sign in (1, -1))
    difference = (ahead - behind) / 2e-4
    assert (second - difference).norm() < 1e-2 * difference.norm()


def test_state_loads_back(loss: nn.Module, batch: Batch) -> None:
    loss(*batch)  # a loss may gather state as it trains
    state = loss.state_dict()
    loss.load_state_dict(state)
    assert all(torch.equal(loss.state_dict()[key], value) for key, value in state.items())


def test_deterministic_algorithms_suffice(loss: nn.Module, batch: Batch) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        first, second = (value_and_gradient(loss, *batch) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_evaluation_and_training_agree_on_one_process(loss: nn.Module, batch: Batch) -> None:
    training = loss.train()(*batch)
    torch.testing.assert_close(loss.eval()(*batch), training)


def test_mismatched_sizes_are_named(loss: nn.Module, batch: Batch) -> None:
    with pytest.raises(ValueError, match="^loss: ") as error:
        loss(batch[0], batch[1][:, :3])
    assert_names(error, "[2, 5, 6, 7]", "[2, 3, 7]", "[B, C, H, W]", "[B, H, W]", "one height and width")


@pytest.mark.parametrize("value", [-1, -100])
def test_a_negative_index_is_named_with_the_one_that_is_void(loss: nn.Module, batch: Batch, value: int) -> None:
    logits, target = batch
    target = target.long()
    target[0, 0, :3] = value
    with pytest.raises(ValueError, match=rf"holds \[{value}\].*void is 255 here: target.where\(target >= 0, 255\)"):
        loss(logits, target)


def test_unknown_class_is_named(loss: nn.Module, batch: Batch) -> None:
    batch[1][0, 0, 0] = NUM_CLASSES
    with pytest.raises(ValueError, match="^loss: ") as error:
        loss(*batch)
    assert_names(error, "[5]", "0..4", "255")


def test_float_target_is_refused(loss: nn.Module, batch: Batch) -> None:
    with pytest.raises(ValueError, match="^loss: ") as error:
        loss(batch[0], batch[1].float())
    assert_names(error, "float32", "0..4", "255", "pass uint8")
