"""Two ranks step like one with auxiliary and boundary logits, too: for every file of conf/loss."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from segexp.loss.engine.deep_supervision import DeepSupervision
from segexp.types import TrainingLogits
from tests.contract.test_loss_ranks import CASES, NUM_CLASSES, NUM_RANKS, NUM_STEPS, Steps, join, whole_batch
from tests.loss.options import build_loss


class ThreeScores(nn.Module):
    """A network without batch statistics that scores the classes of its input twice, and boundaries once."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.main, self.auxiliary = (nn.Conv2d(3, NUM_CLASSES, 3, padding=1) for _ in range(2))
        self.boundary = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, image: Tensor) -> TrainingLogits:
        return TrainingLogits(self.main(image), [self.auxiliary(image)], 4 * self.boundary(image))


@pytest.mark.slow
def test_two_ranks_step_like_one_with_auxiliary_and_boundary_logits(subtests: pytest.Subtests, tmp_path: Path) -> None:
    multiprocessing.spawn(train_on_one_rank, (tmp_path,), nprocs=NUM_RANKS)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(NUM_RANKS)]
    for index, (option, overrides) in enumerate(CASES):
        alone = train_steps(option, overrides, ThreeScores(), *whole_batch())
        for rank in ranks:
            with subtests.test(option, **overrides):
                torch.testing.assert_close(rank[index], alone, rtol=1e-4, atol=1e-6)


def train_on_one_rank(rank: int, folder: Path) -> None:
    join(rank, folder)
    images, target = (half.chunk(NUM_RANKS)[rank] for half in whole_batch())
    replica = DistributedDataParallel(ThreeScores())
    torch.save([train_steps(*case, replica, images, target) for case in CASES], folder / f"{rank}.pt")
    distributed.destroy_process_group()


def train_steps(option: str, overrides: dict[str, Any], model: nn.Module, images: Tensor, target: Tensor) -> Steps:
    """The same batch twice: the loss and the gradients of each step."""
    loss = DeepSupervision(build_loss(option, NUM_CLASSES, **overrides), num_auxiliary=2, weight=0.4)
    steps: Steps = []
    for _ in range(NUM_STEPS):
        model.zero_grad()
        value = loss(model(images), target)
        value.backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        assert all(gradient is not None for gradient in gradients)
        steps += [value.detach(), *(gradient.clone() for gradient in gradients if gradient is not None)]
    return steps
