"""The Lovász engine against its definition: sorted, integrated, as a metric, and as others wrote it."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from scipy import stats
from segmentation_models_pytorch.losses import LovaszLoss
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from segexp.loss.engine import chunks, threshold_iou
from segexp.loss.engine.threshold_iou import ThresholdIoU
from segexp.loss.lovasz import Lovasz
from segexp.loss.lovasz_beta import LovaszBeta
from segexp.loss.lovasz_softmax import LovaszSoftmax
from segexp.types import VOID
from tests.loss.oracles import by_integrating, by_sorting, random_batch

UNIFORM = stats.uniform()
DISTRIBUTIONS = {
    "uniform": UNIFORM,
    "beta(0.5, 0.5)": stats.beta(0.5, 0.5),
    "beta(2, 5)": stats.beta(2, 5),
    "triangular": stats.triang(0.3),
    "truncated normal": stats.truncnorm(-2, 2, loc=0.5, scale=0.25),
    "part of the interval": stats.uniform(0.2, 0.5),
    "Kumaraswamy(3, 1)": stats.powerlaw(3),
}


@pytest.fixture(params=["sorted", "counted"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compute the loss in both ways, whatever the size of the batch."""
    if request.param == "counted":
        monkeypatch.setattr(threshold_iou, "SORTED_ELEMENTS", 0)
        monkeypatch.setattr(threshold_iou, "BINS_TIMES_PIXELS", 0)  # the bins asked for and no more
    return request.param


def value_and_gradient(
    loss: nn.Module, logits: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    logits.grad = None
    value = loss(logits, target)
    value.backward()
    assert logits.grad is not None
    return value.detach(), logits.grad


def assert_accurate(loss: ThresholdIoU, logits: torch.Tensor, target: torch.Tensor, slack: float = 1.0) -> None:
    """Assert that the value is within 1e-4 and the gradient within 2e-3 (relative L2) of float64."""
    value, gradient = value_and_gradient(loss, logits, target)
    exact_value, exact_gradient = by_sorting(logits, target, loss.by_error, loss.distribution)
    assert abs(value - exact_value) < 1e-4 * slack
    assert (gradient - exact_gradient).norm() <= 2e-3 * slack * exact_gradient.norm() + 1e-9


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 5.0, 20.0])
@pytest.mark.parametrize(("num_classes", "num_pixels"), [(2, 1), (5, 3), (34, 40), (19, 1000), (34, 9000), (8, 40_000)])
@pytest.mark.parametrize("by_error", [False, True])
def test_value_and_gradient_are_those_of_the_definition(
    by_error: bool, num_classes: int, num_pixels: int, scale: float, trained: bool
) -> None:
    assert_accurate(
        ThresholdIoU(num_classes, UNIFORM, by_error), *random_batch(num_classes, num_pixels, scale, trained)
    )


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 5.0, 20.0])
@pytest.mark.parametrize(("num_classes", "num_pixels"), [(2, 2_000_000), (34, 140_000), (19, 20_000), (34, 12_000)])
@pytest.mark.parametrize("name", ["uniform", "beta(0.5, 0.5)", "beta(2, 5)"])
@pytest.mark.parametrize("by_error", [False, True])
def test_value_and_gradient_stay_accurate_for_many_pixels(
    by_error: bool, name: str, num_classes: int, num_pixels: int, scale: float
) -> None:
    """140_000 pixels are about the fewest that are counted in no more than the 1024 bins of the default."""
    for trained in (False, True):
        batch = random_batch(num_classes, num_pixels, scale, trained)
        assert_accurate(ThresholdIoU(num_classes, DISTRIBUTIONS[name], by_error), *batch)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("by_error", [False, True])
def test_any_distribution_gives_its_own_gradient(by_error: bool, name: str) -> None:
    slack = 20.0 if name == "part of the interval" else 1.0  # its density jumps; the engine's takes a bin to do so
    assert_accurate(ThresholdIoU(6, DISTRIBUTIONS[name], by_error), *random_batch(6, 500, 2.0), slack)
    assert_accurate(ThresholdIoU(6, DISTRIBUTIONS[name], by_error), *random_batch(6, 45_000, 2.0), slack)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("by_error", [False, True])
def test_value_is_the_integral_over_thresholds(by_error: bool, name: str) -> None:
    logits, target = random_batch(3, 30)
    loss = ThresholdIoU(3, DISTRIBUTIONS[name], by_error)(logits, target).item()
    assert loss == pytest.approx(by_integrating(logits, target, by_error, DISTRIBUTIONS[name]), abs=2e-3)


@pytest.mark.parametrize("scale", [1.0, 10.0])
@pytest.mark.parametrize("num_pixels", [50, 40_000])
def test_lovasz_softmax_is_the_one_others_wrote(scale: float, num_pixels: int) -> None:
    logits, target = random_batch(8, num_pixels, scale)
    theirs = LovaszLoss("multiclass", ignore_index=VOID)
    expected, their_gradient = value_and_gradient(theirs, logits, target)
    value, gradient = value_and_gradient(LovaszSoftmax(8, UNIFORM), logits, target)
    assert abs(value - expected) < 1e-4
    assert (gradient - their_gradient).norm() < 4e-3 * their_gradient.norm()  # theirs is float32 and off by 1.4e-3


@pytest.mark.parametrize("by_error", [False, True])
def test_loss_is_one_minus_miou_for_hard_predictions(engine: str, by_error: bool) -> None:
    loss = ThresholdIoU(3, DISTRIBUTIONS["beta(2, 5)"], by_error)
    for prediction, target in _every_tiny_image():
        logits = 200.0 * torch.nn.functional.one_hot(prediction, 3).float().movedim(-1, 1)
        ious = [
            ((prediction == label) & (target == label)).sum()
            / ((prediction == label) & (target != VOID) | (target == label)).sum()
            for label in target.unique().tolist()
            if label != VOID
        ]
        expected = 1 - sum(ious) / len(ious) if ious else 0.0
        assert float(loss(logits, target.to(torch.uint8))) == pytest.approx(float(expected), abs=2e-5)


def _every_tiny_image() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for pixels in itertools.product(itertools.product(range(3), (0, 1, 2, VOID)), repeat=2):
        predictions, targets = zip(*pixels, (1, 1), strict=True)
        yield torch.tensor(predictions).view(1, 1, 3), torch.tensor(targets).view(1, 1, 3)


def test_beta_one_one_is_uniform(engine: str) -> None:
    batch = random_batch(5, 800, 3.0)
    torch.testing.assert_close(LovaszBeta(5, 1, 1)(*batch), Lovasz(5, UNIFORM)(*batch), rtol=0, atol=1e-6)


def test_finite_differences_of_the_exact_loss_give_the_gradient() -> None:
    logits, target = random_batch(3, 12)
    _, gradient = value_and_gradient(LovaszSoftmax(3, stats.beta(2, 2)), logits, target)
    for index in range(0, logits.numel(), 5):
        step = torch.zeros(logits.numel(), dtype=torch.float64)
        step[index] = 1e-5
        above, below = (
            by_sorting(logits.double() + sign * step.view(logits.shape), target, True, stats.beta(2, 2))[0]
            for sign in (1, -1)
        )
        assert gradient.flatten()[index].item() == pytest.approx(float(above - below) / 2e-5, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("by_error", [False, True])
def test_forbidden_classes_and_extreme_logits_stay_finite(engine: str, by_error: bool, dtype: torch.dtype) -> None:
    logits, target = random_batch(4, 300)
    extreme = (1e4 * logits.detach().sign()).to(dtype)
    extreme[:, 1, :, ::2] = -torch.inf
    extreme.requires_grad_()
    for distribution in DISTRIBUTIONS.values():
        value, gradient = value_and_gradient(ThresholdIoU(4, distribution, by_error), extreme, target)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_logits_that_are_nan_give_nan_and_no_crash(engine: str) -> None:
    logits, target = random_batch(4, 300)
    with torch.no_grad():
        logits[0, 1, 0, 0] = torch.nan
    assert value_and_gradient(Lovasz(4, UNIFORM), logits, target)[0].isnan()


def test_a_point_mass_looks_at_one_threshold() -> None:
    logits, target = random_batch(3, 2000)
    predicted = (logits.softmax(1) > 0.4) & (target != VOID)[:, None]
    true = target[:, None] == torch.arange(3).view(1, 3, 1, 1)
    iou = (predicted & true).sum((0, 2, 3)) / (predicted | true).sum((0, 2, 3))
    loss = Lovasz(3, stats.uniform(0.4 - 1e-9, 2e-9))
    torch.testing.assert_close(loss(logits, target), 1 - iou.mean(), rtol=0, atol=2e-3)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated.*")  # torch 2.13's own tracer does it
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf.*")  # that, too
@pytest.mark.parametrize("backend", ["eager", pytest.param("aot_eager", marks=pytest.mark.slow)])
def test_compiling_changes_nothing(engine: str, backend: str) -> None:
    batch = random_batch(3, 200)
    expected = value_and_gradient(Lovasz(3, UNIFORM), *batch)
    torch.testing.assert_close(value_and_gradient(torch.compile(Lovasz(3, UNIFORM), backend=backend), *batch), expected)


class LargestFloat32(TorchDispatchMode):
    """Records the number of elements of the largest tensor in float32 that an operation returns."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        sizes = [each.numel() for each in tree_leaves(result) if getattr(each, "dtype", None) == torch.float32]
        self.largest = max(self.largest, *sizes, 0)
        return result


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("by_error", [False, True])
def test_bfloat16_logits_are_never_all_copied_to_float32(
    by_error: bool, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ELEMENTS", 2**12)
    monkeypatch.setattr(threshold_iou, "BINS_TIMES_PIXELS", 0)  # tables are small beside the logits of real batches
    logits, target = random_batch(16, 20_000)
    logits = logits.detach().bfloat16().view(2, 16, 100, 100).contiguous(memory_format=layout).requires_grad_()
    loss = ThresholdIoU(16, UNIFORM, by_error, bins=64)
    expected = value_and_gradient(loss, logits.detach().float().contiguous().requires_grad_(), target.view(2, 100, 100))
    with LargestFloat32() as made:
        value, gradient = value_and_gradient(loss, logits, target.view(2, 100, 100))
    assert made.largest < logits.numel()
    assert gradient.dtype == torch.bfloat16
    assert gradient.is_contiguous(memory_format=layout)
    torch.testing.assert_close(value, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(gradient, expected[1].bfloat16(), rtol=0, atol=0)


@pytest.mark.parametrize("by_error", [False, True])
def test_threads_share_the_work_and_change_nothing(by_error: bool) -> None:
    loss = ThresholdIoU(19, UNIFORM, by_error)
    batch = random_batch(19, 100_000)
    expected = value_and_gradient(loss, *batch)
    torch.set_num_threads(3)
    try:
        assert all(map(torch.equal, value_and_gradient(loss, *batch), expected))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)


def test_backward_twice_gives_twice_the_gradient(engine: str) -> None:
    logits, target = random_batch(3, 200)
    _, once = value_and_gradient(Lovasz(3, UNIFORM), logits, target)
    logits.grad = None
    value = Lovasz(3, UNIFORM)(logits, target)
    value.backward(retain_graph=True)
    value.backward()
    torch.testing.assert_close(logits.grad, 2 * once)


@pytest.mark.parametrize("by_error", [False, True])
def test_an_absent_class_costs_its_most_certain_pixel(engine: str, by_error: bool) -> None:
    logits, target = random_batch(3, 100)
    target[target == 2] = 0
    value, gradient = value_and_gradient(ThresholdIoU(3, UNIFORM, by_error, classes=[2]), logits, target)
    most = logits.softmax(1)[:, 2][target != VOID].max()
    torch.testing.assert_close(value, most.detach(), rtol=0, atol=1e-5 if engine == "sorted" else 1e-2)
    assert (gradient.abs().amax(1) > 0).sum() >= 1


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"distribution": stats.norm()}, ["0.5 below 0", "0.159 above 1", "set loss.distribution", "on [0, 1]"]),
        ({"bins": 4}, ["bins is 4", "16..349525", "set loss.bins"]),
        ({"momentum": 1.0}, ["momentum is 1.0", "0 <= momentum < 1", "set loss.momentum"]),
        ({"momentum": 0.5, "per_image": True}, ["momentum is 0.5", "loss.momentum=0", "loss.per_image=false"]),
        ({"classes": "some"}, ["classes is 'some'", "present, all", "a list", "set loss.classes"]),
        ({"classes": [3]}, ["classes is [3]", "class indices 0..2", "set loss.classes"]),
        ({"classes": []}, ["classes is []", "at least one", "set loss.classes"]),
        ({"class_weights": [1.0]}, ["is [1.0]", "one weight >= 0", "3 classes", "set loss.class_weights"]),
    ],
)
def test_wrong_options_are_named_with_what_is_allowed(arguments: dict[str, Any], facts: list[str]) -> None:
    with pytest.raises(ValueError, match="^loss: ") as error:
        Lovasz(**{"num_classes": 3, "distribution": UNIFORM} | arguments)
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_batches_of_ever_other_sizes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threshold_iou, "SORTED_ELEMENTS", 0)
    loss = ThresholdIoU(2, UNIFORM, by_error=False)
    for num_pixels in range(20_000, 21_000, 25):
        loss(*random_batch(2, num_pixels))
    assert len(loss._grids) <= threshold_iou.MAX_GRIDS
