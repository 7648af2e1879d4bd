"""Cross-entropy, its weights and focal loss against torch and the papers' formulas."""

import pytest
import torch
from torch.nn import functional

from segexp.loss.cross_entropy import CrossEntropy
from segexp.loss.focal import Focal
from segexp.loss.weighted_cross_entropy import WEIGHTINGS, WeightedCrossEntropy, class_weights
from segexp.types import VOID

COUNTS = [900, 90, 9, 0]
EXTENTS = [999, 999, 90, 0]


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 4, (2, 8, 9), generator=generator, dtype=torch.uint8)
    target[:, :2] = VOID
    return 3 * torch.randn(2, 4, 8, 9, generator=generator), target


def test_cross_entropy_equals_torchs(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, target = batch
    torch.testing.assert_close(
        CrossEntropy()(logits, target), functional.cross_entropy(logits, target.long(), ignore_index=VOID)
    )


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_weighted_cross_entropy_equals_torchs(batch: tuple[torch.Tensor, torch.Tensor], weighting: str) -> None:
    logits, target = batch
    weight = torch.tensor(class_weights(COUNTS, EXTENTS, weighting, 0.99))
    torch.testing.assert_close(
        WeightedCrossEntropy(4, COUNTS, EXTENTS, weighting, 0.99)(logits, target),
        functional.cross_entropy(logits, target.long(), weight, ignore_index=VOID),
    )


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.9])
def test_weights_by_hand_and_label_smoothing_equal_torchs(batch, label_smoothing: float) -> None:
    logits, target = batch
    weights = [1, 2.5, 0, 4]
    named = {"ignore_index": VOID, "label_smoothing": label_smoothing}
    torch.testing.assert_close(
        WeightedCrossEntropy(4, COUNTS, EXTENTS, "none", weights=weights, label_smoothing=label_smoothing)(*batch),
        functional.cross_entropy(logits, target.long(), torch.tensor(weights), **named),
    )
    torch.testing.assert_close(
        CrossEntropy(label_smoothing)(*batch), functional.cross_entropy(logits, target.long(), **named)
    )


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0])
def test_a_label_smoothing_that_is_no_share_is_refused(label_smoothing: float) -> None:
    with pytest.raises(ValueError, match=f"label_smoothing is {label_smoothing}.*set loss.label_smoothing"):
        CrossEntropy(label_smoothing)


@pytest.mark.parametrize("weights", [[1, 2, 3], [1, 1, 1, -1], [0, 0, 0, 0], [1, 1, 1, float("nan")]])
def test_wrong_weights_are_named(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="^weighted_cross_entropy: weights is .* 4 classes.*set loss.weights"):
        WeightedCrossEntropy(4, COUNTS, EXTENTS, "none", weights=weights)


def test_unweighted_is_cross_entropy(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.testing.assert_close(WeightedCrossEntropy(4, COUNTS, EXTENTS, "none")(*batch), CrossEntropy()(*batch))


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        ("none", [1, 1, 1, 1]),
        ("inverse_frequency", [1 / 900, 1 / 90, 1 / 9, 0]),
        ("median_frequency", [0.1 / (900 / 999), 0.1 / (90 / 999), 0.1 / (9 / 90), 0]),
        ("effective_number", [0.01 / (1 - 0.99**900), 0.01 / (1 - 0.99**90), 0.01 / (1 - 0.99**9), 0]),
    ],
)
def test_weights_follow_the_formula_up_to_scale(weighting: str, expected: list[float]) -> None:
    weights = class_weights(COUNTS, EXTENTS, weighting, 0.99)
    assert weights == pytest.approx([value * sum(weights) / sum(expected) for value in expected])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_weights_average_one_over_the_classes_seen(weighting: str) -> None:
    assert sum(class_weights([5, 500, 7], [9, 900, 90], weighting, 0.9)) == pytest.approx(3)


def test_effective_number_lies_between_no_weighting_and_inverse_frequency() -> None:
    assert class_weights(COUNTS[:3], EXTENTS[:3], "effective_number", 0.0) == pytest.approx([1, 1, 1])
    nearly_one = class_weights(COUNTS[:3], EXTENTS[:3], "effective_number", 1 - 1e-12)
    assert nearly_one == pytest.approx(class_weights(COUNTS[:3], EXTENTS[:3], "inverse_frequency", 0), rel=1e-6)


def test_effective_number_stays_exact_for_billions_of_pixels() -> None:
    weights = class_weights([5_000_000, 2_000_000_000], [1, 1], "effective_number", 1 - 1e-8)
    assert weights[0] / weights[1] == pytest.approx(1 / 0.0487706, rel=1e-4)  # 1 / (1 - e^-0.05)


def test_a_class_never_seen_in_training_weighs_nothing(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, target = batch
    without = torch.where(target == 3, VOID, target)
    loss = WeightedCrossEntropy(4, COUNTS, EXTENTS, "inverse_frequency")
    torch.testing.assert_close(loss(logits, target), loss(logits, without))


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ((4, COUNTS[:3], EXTENTS[:3], "none"), ["3 class counts", "4 classes"]),
        ((4, COUNTS, EXTENTS, "inverse"), ["'inverse'", *WEIGHTINGS, "set loss.weighting"]),
        ((4, COUNTS, EXTENTS, "effective_number", 1.0), ["beta is 1.0", "0 <= beta < 1", "set loss.beta"]),
        ((4, [0] * 4, [0] * 4, "none"), ["no class has a training pixel", "classes=", "data.root"]),
    ],
)
def test_wrong_weightings_are_named(arguments: tuple, facts: list[str]) -> None:
    with pytest.raises(ValueError, match="^weighted_cross_entropy: ") as error:
        WeightedCrossEntropy(*arguments)
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_channels_are_compared_with_the_classes_weighed(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="4 channels.*built for 3 classes"):
        WeightedCrossEntropy(3, COUNTS[:3], EXTENTS[:3], "none")(*batch)


def test_focal_without_gamma_is_cross_entropy(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.testing.assert_close(Focal(0)(*batch), CrossEntropy()(*batch))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_follows_the_formula(batch: tuple[torch.Tensor, torch.Tensor], gamma: float) -> None:
    logits, target = batch
    valid = target != VOID
    probability = logits.double().softmax(1).movedim(1, -1)[valid]  # pixel c
    probability = probability.gather(1, target[valid].long()[:, None])
    expected = -((1 - probability) ** gamma * probability.log()).mean()
    torch.testing.assert_close(Focal(gamma)(logits, target).double(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_has_a_finite_gradient_where_the_network_is_certain(gamma: float) -> None:
    logits = torch.tensor([200.0, -200.0]).view(1, 2, 1, 1).requires_grad_()
    Focal(gamma)(logits, torch.zeros(1, 1, 1, dtype=torch.uint8)).backward()
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_negative_gamma_is_refused() -> None:
    with pytest.raises(ValueError, match="gamma is -1"):
        Focal(-1)
