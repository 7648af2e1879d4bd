"""Two ranks with half a batch each step exactly like one rank with the whole batch: for every file of conf/loss."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from segexp.types import VOID
from tests.loss.options import OPTIONS, build_loss, settings

NUM_CLASSES = 4
NUM_RANKS = 2
NUM_STEPS = 2  # a second step shows what a loss carries over from the first
Steps = list[torch.Tensor]
"""Per step: the loss, then the gradient of each parameter."""
OVERRIDES: list[dict[str, Any]] = [{}, {"per_image": True}, {"momentum": 0.9}]
"""None, and those that change how sums are shared among ranks."""
CASES = [(name, overrides) for name in OPTIONS for overrides in OVERRIDES if set(overrides) <= set(settings(name))]


def test_two_ranks_step_like_one(subtests: pytest.Subtests, tmp_path: Path) -> None:
    multiprocessing.spawn(train_on_one_rank, (tmp_path,), nprocs=NUM_RANKS)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(NUM_RANKS)]
    for index, (option, overrides) in enumerate(CASES):
        alone = train_steps(option, overrides, network(), *whole_batch())
        for rank in ranks:
            with subtests.test(option, **overrides):
                torch.testing.assert_close(rank[index], alone, rtol=1e-4, atol=1e-6)


def test_evaluation_waits_for_nobody(tmp_path: Path) -> None:
    multiprocessing.spawn(evaluate_on_one_rank, (tmp_path,), nprocs=NUM_RANKS)


def train_on_one_rank(rank: int, folder: Path) -> None:
    join(rank, folder)
    images, target = (half.chunk(NUM_RANKS)[rank] for half in whole_batch())
    replica = DistributedDataParallel(network())
    torch.save([train_steps(*case, replica, images, target) for case in CASES], folder / f"{rank}.pt")
    distributed.destroy_process_group()


def evaluate_on_one_rank(rank: int, folder: Path) -> None:
    """Evaluate a batch on rank 0 only: a loss that communicates would wait for rank 1 until the time-out."""
    store = join(rank, folder)
    images, target = whole_batch()
    for option, overrides in CASES if rank == 0 else []:
        build_loss(option, NUM_CLASSES, **overrides).eval()(network()(images), target)
    store.set(str(rank), "")
    store.wait([str(each) for each in range(NUM_RANKS)])  # no rank must leave while another still joins
    distributed.destroy_process_group()


def join(rank: int, folder: Path) -> distributed.Store:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/rendezvous", NUM_RANKS)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=NUM_RANKS)
    return store


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, NUM_CLASSES, 3, padding=1)


def whole_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Draw four images; most pixels of the first half are void, and only the second rank has the last class."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, 3, 9, 8, generator=generator)
    target = torch.randint(0, NUM_CLASSES, (4, 9, 8), generator=generator, dtype=torch.uint8)
    target[:2, 1:] = VOID
    target[:2][target[:2] == NUM_CLASSES - 1] = 0
    return images, target


def train_steps(
    option: str, overrides: dict[str, Any], model: nn.Module, images: torch.Tensor, target: torch.Tensor
) -> Steps:
    loss = build_loss(option, NUM_CLASSES, **overrides)
    steps: Steps = []
    for scale in range(1, NUM_STEPS + 1):
        model.zero_grad()
        value = loss(scale * model(images), target)
        value.backward()
        steps += [
            value.detach(),
            *(parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None),
        ]
    return steps
