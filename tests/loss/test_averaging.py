"""Classes, class weights, per_image and momentum, which the region losses and the Lovász family share."""

from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import nn

from segexp.loss.dice import Dice
from segexp.loss.lovasz import Lovasz
from segexp.loss.lovasz_softmax import LovaszSoftmax
from segexp.loss.soft_iou import SoftIoU
from segexp.types import VOID

NUM_CLASSES = 4
Build = Callable[..., nn.Module]


@pytest.fixture(params=["soft_iou", "dice", "lovasz", "lovasz_softmax"])
def build(request: pytest.FixtureRequest) -> Build:
    distribution = stats.uniform()
    return {
        "soft_iou": lambda **options: SoftIoU(NUM_CLASSES, **options),
        "dice": lambda **options: Dice(NUM_CLASSES, **options),
        "lovasz": lambda **options: Lovasz(NUM_CLASSES, distribution, **options),
        "lovasz_softmax": lambda **options: LovaszSoftmax(NUM_CLASSES, distribution, **options),
    }[request.param]


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Draw three images, the last of them all void; class 3 is nowhere, class 2 in the second image only."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(3, NUM_CLASSES, 6, 5, generator=generator)
    target = torch.randint(0, 2, (3, 6, 5), generator=generator, dtype=torch.uint8)
    target[1, :2] = 2
    target[2] = VOID
    return logits.requires_grad_(), target


def test_present_is_the_mean_over_the_classes_in_the_batch(
    build: Build, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    single = [build(classes=[label])(*batch) for label in range(3)]
    torch.testing.assert_close(build(classes="present")(*batch), torch.stack(single).mean())


def test_all_counts_absent_classes_too(build: Build, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    single = [build(classes=[label])(*batch) for label in range(NUM_CLASSES)]
    torch.testing.assert_close(build(classes="all")(*batch), torch.stack(single).mean())


def test_class_weights_weigh_the_mean(build: Build, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, second = build(classes=[0])(*batch), build(classes=[2])(*batch)
    weighted = build(classes=[0, 2], class_weights=[1, 5, 3, 5])(*batch)
    torch.testing.assert_close(weighted, (first + 3 * second) / 4)


def test_per_image_is_the_mean_over_the_images_that_are_not_void(
    build: Build, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    single = [build()(logits[index : index + 1], target[index : index + 1]) for index in range(2)]
    torch.testing.assert_close(build(per_image=True)(logits, target), torch.stack(single).mean())


def test_momentum_turns_the_loss_of_batches_into_that_of_the_data_set(
    build: Build, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = (tensor[:2].detach() for tensor in batch)
    loss = build(momentum=0.999)
    for _ in range(3):
        loss(logits[:1], target[:1])
        value = loss(logits[1:], target[1:])
    torch.testing.assert_close(value, build()(logits, target), rtol=0, atol=5e-3)


def test_the_first_step_with_momentum_is_one_without(build: Build, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.testing.assert_close(build(momentum=0.9)(*batch), build()(*batch), rtol=0, atol=2e-3)


def test_momentum_survives_a_checkpoint(build: Build, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, target = batch
    first, second = build(momentum=0.9), build(momentum=0.9)
    first(logits, target)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first(logits.flip(0), target), second(logits.flip(0), target), rtol=0, atol=0)


def test_evaluation_leaves_the_running_average_alone(build: Build, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, target = batch
    loss = build(momentum=0.9)
    loss(logits, target)
    before = {key: value.clone() for key, value in loss.state_dict().items()}
    value = loss.eval()(-logits, target)
    torch.testing.assert_close(value, build()(-logits, target), rtol=0, atol=2e-3)
    assert all(torch.equal(before[key], value) for key, value in loss.state_dict().items())


@pytest.mark.parametrize("option", ["momentun", "bin"])
def test_an_unknown_argument_is_named(build: Build, option: str) -> None:
    with pytest.raises(TypeError, match=f"'{option}'"):
        build(**{option: 1})


@pytest.mark.parametrize("loss", [SoftIoU, Dice])
def test_only_the_lovasz_family_counts_in_bins(loss: Build) -> None:
    with pytest.raises(TypeError, match="'bins'"):
        loss(NUM_CLASSES, bins=64)
